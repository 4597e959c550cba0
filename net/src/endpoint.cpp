// Endpoints from text and to text, and between them and the kernel's form.
#include "weft/net/endpoint.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <span>
#include <system_error>

#include <fmt/format.h>

#include "address_text.hpp"
#include "weft/error.hpp"
#include "weft/net/detail/socket_address.hpp"

namespace weft::inline v0 {

namespace {

constexpr auto no_port = "the port is missing; write it as in 192.0.2.1:80 or [2001:db8::1]:80";

// Splits "[ADDRESS]:PORT". Yields null, or why it cannot.
char const* split_bracketed(std::string_view text, std::string_view& address,
                            std::string_view& port) {
  // The last one, because the name of an interface may have a bracket in it.
  auto const bracket = text.rfind(']');
  if (bracket == text.npos) return "the closing bracket is missing, as in [2001:db8::1]:80";
  address = text.substr(1, bracket - 1);
  auto const rest = text.substr(bracket + 1);
  if (rest.empty()) return no_port;
  if (rest.front() != ':') return "after the bracket comes a colon, as in [2001:db8::1]:80";
  port = rest.substr(1);
  return nullptr;
}

// Splits "ADDRESS:PORT". Yields null, or why it cannot.
char const* split_plain(std::string_view text, std::string_view& address, std::string_view& port) {
  auto const colon = text.find(':');
  if (colon == text.npos) return no_port;
  address = text.substr(0, colon);
  port = text.substr(colon + 1);
  // An IPv6 address has its first colon before any dot, and has at least two.
  if (address.find('.') == address.npos && port.find(':') != port.npos) {
    return "put an IPv6 address in brackets, as in [2001:db8::1]:80";
  }
  if (address.empty()) return "the address is missing; 0.0.0.0 or [::] means any of this machine";
  return nullptr;
}

char const* read_port(std::string_view text, std::uint16_t& port) {
  if (text.empty()) return no_port;
  auto const read = std::from_chars(text.data(), text.data() + text.size(), port);
  if (read.ec == std::errc() && read.ptr == text.data() + text.size()) return nullptr;
  return "a port is a number from 0 to 65535";
}

char const* read_endpoint(std::string_view text, net::endpoint& result) {
  bool const bracketed = text.starts_with('[');
  std::string_view address_text;
  std::string_view port_text;
  auto const* reason = bracketed ? split_bracketed(text, address_text, port_text)
                                 : split_plain(text, address_text, port_text);
  if (reason != nullptr) return reason;

  net::address address;
  reason = detail::read_address(address_text, address);
  if (reason != nullptr) return reason;
  if (bracketed && address.is_v4()) return "only an IPv6 address is put in brackets";

  std::uint16_t port = 0;
  reason = read_port(port_text, port);
  if (reason != nullptr) return reason;
  result = net::endpoint(address, port);
  return nullptr;
}

}  // namespace

namespace net {

endpoint endpoint::parse(std::string_view text) {
  endpoint parsed;
  auto const* reason = read_endpoint(text, parsed);
  if (reason != nullptr) detail::throw_unreadable(text, "endpoint", reason);
  return parsed;
}

std::optional<endpoint> endpoint::try_parse(std::string_view text) {
  endpoint parsed;
  if (read_endpoint(text, parsed) != nullptr) return std::nullopt;
  return parsed;
}

std::string endpoint::to_string() const {
  auto const text = address_.to_string();
  return address_.is_v6() ? fmt::format("[{}]:{}", text, port_) : fmt::format("{}:{}", text, port_);
}

}  // namespace net

namespace detail {

static_assert(sizeof(socket_address::storage) == sizeof(sockaddr_storage));
static_assert(alignof(socket_address) == alignof(sockaddr_storage));
static_assert(sizeof(socket_address::size) == sizeof(socklen_t));

// The kernel's structures are copied, as nobody but the kernel may see these bytes as such.

socket_address to_sockaddr(net::endpoint const& endpoint) noexcept {
  socket_address result;
  auto const store = [&result](auto const& filled) {
    std::memcpy(result.storage.data(), &filled, sizeof(filled));
    result.size = sizeof(filled);
  };
  auto const bytes = endpoint.address().bytes();
  if (endpoint.address().is_v4()) {
    sockaddr_in filled{};
    filled.sin_family = AF_INET;
    filled.sin_port = htons(endpoint.port());
    std::memcpy(&filled.sin_addr, bytes.data(), bytes.size());
    store(filled);
  } else {
    sockaddr_in6 filled{};
    filled.sin6_family = AF_INET6;
    filled.sin6_port = htons(endpoint.port());
    std::memcpy(&filled.sin6_addr, bytes.data(), bytes.size());
    filled.sin6_scope_id = endpoint.address().scope_id();
    store(filled);
  }
  return result;
}

net::endpoint from_sockaddr(sockaddr const* from, std::uint32_t size) {
  auto const load = [from, size](auto& filled) {
    if (size < sizeof(filled)) {
      throw_system_error(EINVAL, fmt::format("read a socket address of {} bytes", size));
    }
    std::memcpy(&filled, from, sizeof(filled));
  };
  sa_family_t family = AF_UNSPEC;
  load(family);
  if (family == AF_INET) {
    sockaddr_in filled{};
    load(filled);
    auto const bytes = std::as_bytes(std::span<in_addr, 1>(&filled.sin_addr, 1));
    return {net::address::v4(bytes), ntohs(filled.sin_port)};
  }
  if (family == AF_INET6) {
    sockaddr_in6 filled{};
    load(filled);
    auto const bytes = std::as_bytes(std::span<in6_addr, 1>(&filled.sin6_addr, 1));
    return {net::address::v6(bytes, filled.sin6_scope_id), ntohs(filled.sin6_port)};
  }
  throw_system_error(EAFNOSUPPORT, fmt::format("read a socket address of family {}", family));
}

}  // namespace detail

}  // namespace weft::inline v0

std::size_t std::hash<weft::net::endpoint>::operator()(
    weft::net::endpoint const& value) const noexcept {
  // Many endpoints share an address, so the port must reach all bits; the factor is 2^64 divided by
  // the golden ratio, as in Fibonacci hashing.
  auto const spread = (value.port() + std::uint64_t{1}) * 0x9e3779b97f4a7c15;
  return std::hash<weft::net::address>()(value.address()) ^ static_cast<std::size_t>(spread);
}
