// getaddrinfo(3) and its errors as values; the call itself is made on the blocking pool.
#include "weft/net/resolve.hpp"

#include <netdb.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

#include "host_name.hpp"
#include "weft/abandonable.hpp"
#include "weft/net/detail/socket_address.hpp"

namespace weft::inline v0::net {

namespace {

class resolve_errors final : public std::error_category {
 public:
  [[nodiscard]] char const* name() const noexcept override { return "getaddrinfo"; }
  [[nodiscard]] std::string message(int code) const override { return ::gai_strerror(code); }
  [[nodiscard]] std::error_condition default_error_condition(int code) const noexcept override {
    if (code == EAI_AGAIN) return std::errc::resource_unavailable_try_again;
    if (code == EAI_MEMORY) return std::errc::not_enough_memory;
    return {code, *this};
  }
};

// What needs nobody to be asked.
std::optional<endpoint> numeric(std::string const& host, std::string const& service) {
  std::uint16_t port = 0;
  auto const* const end = service.data() + service.size();
  auto const [read_to, error] = std::from_chars(service.data(), end, port);
  if (error != std::errc() || read_to != end) return std::nullopt;
  auto const parsed = address::try_parse(host);
  if (!parsed) return std::nullopt;
  return endpoint(*parsed, port);
}

[[noreturn]] void refuse(int code, int error, std::string const& host, std::string const& service) {
  auto const what = "resolve " + detail::name_of(host, service);
  if (code == EAI_SYSTEM) throw std::system_error(error, std::system_category(), what);
  throw std::system_error(code, resolve_category(), what);
}

// getaddrinfo takes what strtoul takes for a number, and of that the last 16 bits.
bool is_wrong_port(std::string const& service) {
  if (service.empty()) return false;
  auto const is_digit = [](char letter) { return letter >= '0' && letter <= '9'; };
  if (!std::ranges::all_of(service, is_digit))
    return service.front() == '+' || service.front() == '-' || service.front() <= ' ';
  std::uint16_t port = 0;
  return std::from_chars(service.data(), service.data() + service.size(), port).ec != std::errc();
}

// Blocks.
std::vector<endpoint> ask(std::string const& host, std::string const& service) {
  if (is_wrong_port(service)) refuse(EAI_SERVICE, 0, host, service);
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = AI_ADDRCONFIG;
  addrinfo* list = nullptr;
  int code = ::getaddrinfo(host.c_str(), service.c_str(), &wanted, &list);
  // AI_ADDRCONFIG leaves a family out when only the loopback has it; then that is what is meant.
  if (code == EAI_NONAME || code == EAI_ADDRFAMILY || code == EAI_NODATA) {
    wanted.ai_flags = 0;
    code = ::getaddrinfo(host.c_str(), service.c_str(), &wanted, &list);
  }
  if (code != 0) refuse(code, errno, host, service);
  std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> const found(list, &::freeaddrinfo);
  std::vector<endpoint> endpoints;
  for (auto const* each = found.get(); each != nullptr; each = each->ai_next) {
    if (each->ai_family != AF_INET && each->ai_family != AF_INET6) continue;
    auto const one = detail::from_sockaddr(each->ai_addr, each->ai_addrlen);
    if (std::ranges::find(endpoints, one) == endpoints.end()) endpoints.push_back(one);
  }
  if (endpoints.empty()) refuse(EAI_NONAME, 0, host, service);
  return endpoints;
}

}  // namespace

std::error_category const& resolve_category() noexcept {
  static resolve_errors const category;
  return category;
}

task<std::vector<endpoint>> resolve(std::string host, std::string service) {
  // getaddrinfo(3) would take an empty one for this machine, or for port 0; and ends at a NUL.
  bool const has_nul = host.find('\0') != host.npos || service.find('\0') != service.npos;
  if (host.empty() || service.empty() || has_nul) refuse(EAI_NONAME, 0, host, service);
  if (auto const known = numeric(host, service)) co_return std::vector{*known};
  co_return co_await abandonable(
      [host = std::move(host), service = std::move(service)] { return ask(host, service); });
}

}  // namespace weft::inline v0::net
