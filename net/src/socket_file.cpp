// Binding Unix sockets, and the files that this makes.
#include "weft/net/detail/socket_file.hpp"

#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string>

#include <fmt/format.h>

#include "transfer.hpp"
#include "unix_socket.hpp"
#include "weft/error.hpp"

namespace weft::inline v0::detail {

namespace {

// As the system calls want a path: with a zero byte at its end.
std::array<char, net::unix_address::size_max + 2> terminated(net::unix_address const& at) noexcept {
  std::array<char, net::unix_address::size_max + 2> path{};
  std::ranges::copy(at.kernel_name(), path.begin());
  return path;
}

// Yields what is at the path itself, also if that is a link; none when nothing is.
std::optional<struct stat> status_of(net::unix_address const& at) noexcept {
  struct stat found{};
  if (::lstat(terminated(at).data(), &found) != 0) return std::nullopt;
  return found;
}

// Whether a socket file is at the path to which no socket is bound.
bool is_stale(net::unix_address const& at, int kind) noexcept {
  auto const found = status_of(at);
  if (!found || !S_ISSOCK(found->st_mode)) return false;
  auto const address = to_sockaddr(at);
  auto const probe = descriptor::adopt(::socket(AF_UNIX, kind | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  return probe && ::connect(probe.get(), address.get(), address.size) != 0 && errno == ECONNREFUSED;
}

}  // namespace

socket_file::socket_file(net::unix_address const& at) noexcept {
  if (!at.is_path()) return;
  if (auto const found = status_of(at)) {
    at_ = at;
    device_ = found->st_dev;
    number_ = found->st_ino;
  }
}

void socket_file::remove() noexcept {
  if (!at_.is_path()) return;
  auto const there = status_of(at_);
  if (there && there->st_dev == device_ && there->st_ino == number_)
    ::unlink(terminated(at_).data());
  forget();
}

descriptor open_unix_socket(int kind, char const* what, net::unix_address const& at) {
  int const fd = ::socket(AF_UNIX, kind | SOCK_CLOEXEC, 0);
  if (fd < 0) throw_system_error(errno, fmt::format("{} {}", what, at.to_string()));
  return descriptor::adopt(fd);
}

socket_file bind_unix_socket(descriptor const& socket, int kind, net::unix_address const& at,
                             net::unix_bind_options const& options) {
  // The file will have the permissions of the socket, from its first moment.
  if (options.permissions && ::fchmod(socket.get(), *options.permissions) != 0)
    throw_system_error(errno, fmt::format("fchmod fd {}", socket.get()));
  auto const address = to_sockaddr(at);
  auto const bind = [&] { return result_of(::bind(socket.get(), address.get(), address.size)); };
  int result = bind();
  if (result == -EADDRINUSE && options.remove_stale && at.is_path() && is_stale(at, kind)) {
    ::unlink(terminated(at).data());
    result = bind();
  }
  if (result < 0) throw_system_error(-result, "bind " + at.to_string());
  return socket_file(at);
}

}  // namespace weft::inline v0::detail
