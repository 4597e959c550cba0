#include "nslookup/json.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "nslookup/names.hpp"

namespace nslookup {

namespace {

// How many bytes the letter in UTF-8 has that the text begins with; 0 if it is none. The few that
// are forbidden though they have the form (surrogates, longer forms than needed) count as letters.
std::size_t letter_size(std::string_view text) {
  auto const first = static_cast<unsigned char>(text.front());
  std::size_t const size = first < 0x80   ? 1
                           : first < 0xc2 ? 0
                           : first < 0xe0 ? 2
                           : first < 0xf0 ? 3
                           : first < 0xf5 ? 4
                                          : 0;
  if (size == 0 || size > text.size()) return 0;
  bool const goes_on = std::ranges::all_of(text.substr(1, size - 1),
                                           [](char byte) { return (byte & 0xc0) == 0x80; });
  return goes_on ? size : 0;
}

// What is no UTF-8 stands as U+FFFD, since JSON has nothing else.
std::string in_quotes(std::string_view text) {
  std::string quoted = "\"";
  while (!text.empty()) {
    std::size_t const size = letter_size(text);
    auto const letter = text.substr(0, std::max<std::size_t>(size, 1));
    text.remove_prefix(letter.size());
    if (size == 0)
      quoted += "\\ufffd";
    else if (static_cast<unsigned char>(letter[0]) < ' ')
      quoted += fmt::format("\\u{:04x}", static_cast<unsigned>(letter[0]));
    else if (letter == "\"" || letter == "\\")
      quoted.append("\\").append(letter);
    else
      quoted += letter;
  }
  return quoted + '"';
}

std::string asked_text(std::string_view name, dns::type asked, std::string_view rcode) {
  return fmt::format(R"("name": {}, "type": "{}", "rcode": "{}")", in_quotes(name),
                     dns::to_string(asked), rcode);
}

std::string record_json(dns::record const& shown) {
  return fmt::format(R"({{"name": {}, "type": "{}", "ttl": {}, "data": {}}})",
                     in_quotes(shown_name(shown.name)), dns::to_string(shown.type),
                     shown.ttl.count(), in_quotes(shown.data));
}

double milliseconds_of(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

}  // namespace

std::string_view json_failure_name(dns::errc kind) {
  switch (kind) {
    case dns::errc::timed_out: return "TIMEOUT";
    case dns::errc::unreachable: return "UNREACHABLE";
    case dns::errc::malformed: return "MALFORMED";
    case dns::errc::truncated: return "TRUNCATED";
    default: return "FAILED";
  }
}

std::string json_text(std::string_view name, dns::type asked, dns::reply const& reply,
                      std::chrono::nanoseconds elapsed) {
  std::string answers;
  for (auto const& each : reply.message.answers) {
    if (!answers.empty()) answers += ", ";
    answers += record_json(each);
  }
  return fmt::format(R"({{{}, "answers": [{}], "server": "{}", "ms": {:.3f}}})",
                     asked_text(name, asked, dns::to_string(reply.message.rcode)), answers,
                     reply.server.to_string(), milliseconds_of(elapsed));
}

std::string json_failure_text(std::string_view name, dns::type asked, std::string_view reason,
                              std::chrono::nanoseconds elapsed) {
  return fmt::format(R"({{{}, "answers": [], "server": null, "ms": {:.3f}}})",
                     asked_text(name, asked, reason), milliseconds_of(elapsed));
}

}  // namespace nslookup
