// See servers.hpp.
#include "support/servers.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>
#include <stdexcept>
#include <string_view>

#include <fmt/format.h>

namespace bench {

namespace {

struct entry {
  std::string_view key;
  std::string_view program;
  std::string_view backend;  // for WEFT_BACKEND
  bool in_ring;
  serving what = serving::streams;
};

constexpr std::array entries{
    entry{epoll_limit, "epoll", "", false},
    entry{ring_limit, "uring", "", true},
    entry{"asio", "asio", "", false},
    entry{"libuv", "libuv", "", false},
    entry{"weft_read_epoll", "weft_read", "epoll", false},
    entry{"weft_read_some_epoll", "weft_read_some", "epoll", false},
    entry{"weft_read_uring", "weft_read", "uring", true},
    entry{"weft_read_some_uring", "weft_read_some", "uring", true},
    entry{epoll_limit, "udp_epoll", "", false, serving::datagrams},
    entry{"weft_batch_epoll", "weft_batch", "epoll", false, serving::datagrams},
    entry{"weft_batch_uring", "weft_batch", "uring", true, serving::datagrams},
    entry{"weft_receive_from_epoll", "weft_receive_from", "epoll", false, serving::datagrams},
    entry{"weft_receive_from_uring", "weft_receive_from", "uring", true, serving::datagrams},
};

// The build puts the servers beside the bench.
std::filesystem::path path_of(entry const& wanted) {
  return std::filesystem::read_symlink("/proc/self/exe").parent_path() / "servers" / wanted.program;
}

server make(entry const& wanted) {
  server made{.key = std::string(wanted.key),
              .command = {.arguments = {path_of(wanted), "--port", "0"}, .environment = {}},
              .in_ring = wanted.in_ring};
  if (!wanted.backend.empty())
    made.command.environment.emplace_back("WEFT_BACKEND", wanted.backend);
  return made;
}

}  // namespace

std::vector<server> servers_called(std::vector<std::string> const& keys, serving what) {
  for (std::string const& key : keys)
    if (std::ranges::none_of(
            entries, [&](entry const& each) { return each.what == what && each.key == key; }))
      throw std::invalid_argument(fmt::format("no server is called '{}'", key));

  std::vector<server> found;
  for (entry const& candidate : entries) {
    if (candidate.what != what) continue;
    if (!keys.empty() && std::ranges::find(keys, candidate.key) == keys.end()) continue;
    if (std::filesystem::exists(path_of(candidate)))
      found.push_back(make(candidate));
    else
      fmt::print(stderr, "{}: not built, left out\n", candidate.key);
  }
  return found;
}

}  // namespace bench
