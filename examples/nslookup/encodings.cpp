#include "nslookup/encodings.hpp"

#include <arpa/inet.h>

#include <array>
#include <chrono>
#include <string_view>

#include <fmt/format.h>

namespace nslookup {

namespace {

// The digits of RFC 4648, of `bits` each; without what fills up the last ones.
std::string digits_text(bytes data, unsigned bits, std::string_view digits) {
  std::string text;
  std::uint32_t held = 0;
  unsigned count = 0;  // of bits in `held` that are not written yet
  for (auto const each : data) {
    held = held << 8 | std::to_integer<std::uint32_t>(each);
    for (count += 8; count >= bits; count -= bits)
      text += digits[held >> (count - bits) & ((1U << bits) - 1)];
  }
  if (count > 0) text += digits[held << (bits - count) & ((1U << bits) - 1)];
  return text;
}

}  // namespace

std::string escaped_number(unsigned char letter) { return fmt::format("\\{:03}", letter); }

std::string string_text(bytes letters, bool quoted) {
  std::string text;
  for (auto const each : letters) {
    auto const letter = std::to_integer<unsigned char>(each);
    if (letter < (quoted ? ' ' : '!') || letter >= 0x7f) {
      text += escaped_number(letter);
      continue;
    }
    if (std::string_view(quoted ? "\"\\" : "\"\\@;").find(static_cast<char>(letter)) !=
        std::string_view::npos)
      text += '\\';
    text += static_cast<char>(letter);
  }
  return quoted ? '"' + text + '"' : text;
}

std::string hex_text(bytes data, std::size_t group) {
  std::string text;
  for (std::size_t i = 0; i < data.size(); ++i) {
    if (i > 0 && i * 2 % group == 0) text += ' ';
    text += fmt::format("{:02X}", std::to_integer<unsigned>(data[i]));
  }
  return text;
}

std::string base64_text(bytes data, std::size_t group) {
  auto const digits =
      digits_text(data, 6, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
  std::string text;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && i % group == 0) text += ' ';
    text += digits[i];
  }
  text.append((4 - digits.size() % 4) % 4, '=');
  return text;
}

std::string base32_text(bytes data) {
  return digits_text(data, 5, "0123456789ABCDEFGHIJKLMNOPQRSTUV");
}

std::string address_text(int family, bytes address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(family, address.data(), text.data(), text.size());
  return text.data();
}
std::string time_text(std::uint32_t seconds) {
  std::chrono::sys_seconds const at{std::chrono::seconds(seconds)};
  auto const day = std::chrono::floor<std::chrono::days>(at);
  std::chrono::year_month_day const date(day);
  std::chrono::hh_mm_ss const time(at - day);
  return fmt::format("{:04}{:02}{:02}{:02}{:02}{:02}", static_cast<int>(date.year()),
                     static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                     time.hours().count(), time.minutes().count(), time.seconds().count());
}

}  // namespace nslookup
