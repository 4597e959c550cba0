// Addresses from text and to text.
#include "weft/net/address.hpp"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <stdexcept>
#include <system_error>

#include <fmt/format.h>

#include "address_text.hpp"
#include "weft/error.hpp"

namespace weft::inline v0 {

namespace {

constexpr std::string_view digits = "0123456789";

// Reads what follows the "%". A name of digits only counts as an index (RFC 4007, section 11.2).
char const* read_scope(std::string_view text, std::uint32_t& scope_id) {
  if (text.empty()) return "after % comes the name or the index of a network interface";
  if (text.find_first_not_of(digits) == text.npos) {
    auto const read = std::from_chars(text.data(), text.data() + text.size(), scope_id);
    return read.ec == std::errc() ? nullptr : "the index of a network interface has 32 bits";
  }
  // The kernel would ignore a colon and what follows, as "eth0:1" once was an alias of "eth0".
  constexpr auto unknown = "there is no network interface of that name";
  std::array<char, IF_NAMESIZE> name{};
  if (text.size() >= name.size()) return unknown;
  if (text.find(':') != text.npos || text.find('\0') != text.npos) return unknown;
  std::ranges::copy(text, name.begin());
  scope_id = ::if_nametoindex(name.data());
  if (scope_id != 0) return nullptr;
  if (errno == ENODEV || errno == ENXIO) return unknown;
  detail::throw_system_error(errno, fmt::format("if_nametoindex {:?}", text));
}

std::string scope_name(std::uint32_t scope_id) {
  std::array<char, IF_NAMESIZE> name{};
  if (::if_indextoname(scope_id, name.data()) != nullptr) {
    // An interface may be called "7"; parsed again that would be an index.
    std::string_view const found = name.data();
    if (found.find_first_not_of(digits) != found.npos) return std::string(found);
  }
  return std::to_string(scope_id);
}

}  // namespace

namespace detail {

char const* read_address(std::string_view text, net::address& result) {
  auto const percent = text.find('%');
  auto const number = text.substr(0, percent);
  constexpr auto unreadable = "an address is written in numbers, as in 192.0.2.1 or 2001:db8::1";
  std::array<char, INET6_ADDRSTRLEN> terminated{};
  if (number.size() >= terminated.size() || number.find('\0') != number.npos) return unreadable;
  std::ranges::copy(number, terminated.begin());

  std::array<std::byte, 4> v4{};
  if (::inet_pton(AF_INET, terminated.data(), v4.data()) == 1) {
    if (percent != text.npos) return "only an IPv6 address has a scope";
    result = net::address::v4(v4);
    return nullptr;
  }
  std::array<std::byte, 16> v6{};
  if (::inet_pton(AF_INET6, terminated.data(), v6.data()) != 1) {
    if (number.starts_with('[')) return "an address has no brackets of its own";
    return unreadable;
  }
  std::uint32_t scope_id = 0;
  if (percent != text.npos) {
    if (auto const* reason = read_scope(text.substr(percent + 1), scope_id)) return reason;
  }
  result = net::address::v6(v6, scope_id);
  return nullptr;
}

void throw_unreadable(std::string_view text, std::string_view kind, std::string_view reason) {
  constexpr std::size_t size_max = 80;
  auto quoted = fmt::format("{:?}", text.substr(0, size_max));
  if (text.size() > size_max) quoted += fmt::format(" and {} bytes more", text.size() - size_max);
  throw std::invalid_argument(fmt::format("{} is no {}: {}", quoted, kind, reason));
}

}  // namespace detail

namespace net {

address address::parse(std::string_view text) {
  address parsed;
  auto const* reason = detail::read_address(text, parsed);
  if (reason != nullptr) detail::throw_unreadable(text, "IP address", reason);
  return parsed;
}

std::optional<address> address::try_parse(std::string_view text) {
  address parsed;
  if (detail::read_address(text, parsed) != nullptr) return std::nullopt;
  return parsed;
}

std::string address::to_string() const {
  if (!is_v6_) {
    auto const part = [this](std::size_t i) { return std::to_integer<unsigned>(bytes_[i]); };
    return fmt::format("{}.{}.{}.{}", part(0), part(1), part(2), part(3));
  }
  std::array<char, INET6_ADDRSTRLEN> text{};
  ::inet_ntop(AF_INET6, bytes_.data(), text.data(), text.size());
  std::string result = text.data();
  if (scope_id_ != 0) result += '%' + scope_name(scope_id_);
  return result;
}

}  // namespace net

}  // namespace weft::inline v0

std::size_t std::hash<weft::net::address>::operator()(
    weft::net::address const& value) const noexcept {
  auto const bytes = value.bytes();
  std::string_view const text(reinterpret_cast<char const*>(bytes.data()), bytes.size());
  // Few addresses differ in their scope alone.
  return std::hash<std::string_view>()(text) + value.scope_id();
}
