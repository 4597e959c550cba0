// Unix addresses from text and to text, and between them and the kernel's form.
#include "weft/net/unix_address.hpp"

#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include <fmt/format.h>

#include "address_text.hpp"
#include "weft/error.hpp"
#include "weft/net/detail/socket_address.hpp"

namespace weft::inline v0 {

namespace {

constexpr auto too_long = "it is longer than 107 bytes";

// Yields null, or why the text is no path.
char const* path_refusal(std::string_view text) {
  if (text.empty()) return "it is empty";
  if (text.size() > net::unix_address::size_max) return too_long;
  if (text.find('\0') != text.npos) return "a path has no zero byte";
  return nullptr;
}

char const* name_refusal(std::string_view name) {
  return name.size() > net::unix_address::size_max ? too_long : nullptr;
}

char const* text_refusal(std::string_view text) {
  return text.starts_with('@') ? name_refusal(text.substr(1)) : path_refusal(text);
}

void print(std::string& to, std::string_view name) {
  for (char const c : name) {
    bool const plain = static_cast<unsigned char>(c) >= ' ' && c != '\x7f';
    plain ? to += c : to += fmt::format("\\x{:02x}", c);
  }
}

}  // namespace

namespace net {

unix_address::unix_address(std::string_view kernel_name) noexcept
    : size_(static_cast<std::uint8_t>(kernel_name.size())) {
  std::ranges::copy(kernel_name, bytes_.begin());
}

unix_address unix_address::path(std::string_view path) {
  if (auto const* reason = path_refusal(path))
    detail::throw_unreadable(path, "path of a Unix socket", reason);
  return unix_address(path);
}

unix_address unix_address::abstract(std::string_view name) {
  if (auto const* reason = name_refusal(name))
    detail::throw_unreadable(name, "name of a Unix socket", reason);
  unix_address made;
  std::ranges::copy(name, made.bytes_.begin() + 1);
  made.size_ = static_cast<std::uint8_t>(name.size() + 1);
  return made;
}

unix_address unix_address::parse(std::string_view text) {
  return text.starts_with('@') ? abstract(text.substr(1)) : path(text);
}

std::optional<unix_address> unix_address::try_parse(std::string_view text) {
  if (text_refusal(text) != nullptr) return std::nullopt;
  return parse(text);
}

std::string unix_address::to_string() const {
  std::string text(is_abstract() ? "@" : "");
  print(text, name());
  return text;
}

}  // namespace net

namespace detail {

static_assert(sizeof(sockaddr_un::sun_path) == net::unix_address::size_max + 1);

socket_address to_sockaddr(net::unix_address const& address) noexcept {
  socket_address result;
  sockaddr_un filled{};
  filled.sun_family = AF_UNIX;
  auto const name = address.kernel_name();
  std::ranges::copy(name, filled.sun_path);
  std::memcpy(result.storage.data(), &filled, sizeof filled);
  // A path may end at the end of the structure, or at a zero byte that counts.
  std::size_t const end =
      std::min(name.size() + (address.is_path() ? 1 : 0), sizeof filled.sun_path);
  result.size = static_cast<std::uint32_t>(offsetof(sockaddr_un, sun_path) + end);
  return result;
}

net::unix_address to_unix_address(socket_address const& from) {
  constexpr std::uint32_t head = offsetof(sockaddr_un, sun_path);
  std::uint32_t const size = from.size;
  if (size == 0) return {};  // a sender without an address
  if (size < head) throw_system_error(EINVAL, fmt::format("read a Unix address of {} bytes", size));
  sockaddr_un filled{};
  std::memcpy(&filled, from.storage.data(), std::min<std::size_t>(size, sizeof filled));
  if (filled.sun_family != AF_UNIX)
    throw_system_error(EAFNOSUPPORT,
                       fmt::format("read a Unix address of family {}", filled.sun_family));
  // The kernel counts the zero byte at the end of a path even where it did not fit.
  std::string_view name(filled.sun_path,
                        std::min<std::size_t>(size - head, sizeof filled.sun_path));
  if (!name.empty() && name.front() != '\0') name = name.substr(0, name.find('\0'));
  return net::unix_address(name);
}

}  // namespace detail

}  // namespace weft::inline v0
