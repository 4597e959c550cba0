// A host whose first address swallows every packet is connected to by its second within the delay
// of RFC 8305. In a network namespace of its own, where the way to that address is a TUN device
// that nobody reads. Skipped where namespaces or such devices are not to be had.
// Usage: black_holed_address uring|epoll
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <vector>

#include "require.hpp"
#include "weft/net.hpp"
#include "weft/run.hpp"
#include "weft/time.hpp"
#include "weft/timeout.hpp"

using namespace std::chrono_literals;
using weft::net::endpoint;
using weft::net::tcp_listener;

namespace {

constexpr char const* hole = "hole";
constexpr char const* swallowed_v4 = "192.0.2.1";
constexpr char const* swallowed_v6 = "2001:db8::1";

void require_call(bool succeeded, char const* call) {
  require(succeeded, fmt::format("{}: {}", call, std::strerror(errno)));
}

void bring_up(int socket, char const* name) {
  ifreq device{};
  std::strcpy(device.ifr_name, name);
  require_call(::ioctl(socket, SIOCGIFFLAGS, &device) == 0, "SIOCGIFFLAGS");
  device.ifr_flags |= IFF_UP;
  require_call(::ioctl(socket, SIOCSIFFLAGS, &device) == 0, "SIOCSIFFLAGS");
}

// As `ip address add ADDRESS/24 dev hole`, which brings a route to its neighbours.
void add_v4_address(int socket, char const* text) {
  ifreq device{};
  std::strcpy(device.ifr_name, hole);
  auto const fill = [&](char const* address) {
    sockaddr_in filled{};
    filled.sin_family = AF_INET;
    ::inet_pton(AF_INET, address, &filled.sin_addr);
    std::memcpy(&device.ifr_addr, &filled, sizeof filled);
  };
  fill(text);
  require_call(::ioctl(socket, SIOCSIFADDR, &device) == 0, "SIOCSIFADDR");
  fill("255.255.255.0");
  require_call(::ioctl(socket, SIOCSIFNETMASK, &device) == 0, "SIOCSIFNETMASK");
}

void add_v6_address(char const* text) {
  struct {  // in6_ifreq of linux/ipv6.h, which cannot be included beside netinet/in.h
    in6_addr address;
    std::uint32_t prefix_length;
    int device;
  } wanted{.address = {}, .prefix_length = 64, .device = static_cast<int>(::if_nametoindex(hole))};
  ::inet_pton(AF_INET6, text, &wanted.address);
  int const socket = ::socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  require_call(::ioctl(socket, SIOCSIFADDR, &wanted) == 0, "SIOCSIFADDR for IPv6");
  ::close(socket);
}

// A device whose packets are ours to read, and are not read. False where there is no such thing.
bool make_black_hole() {
  int const device = ::open("/dev/net/tun", O_RDWR | O_CLOEXEC);  // open to the end
  if (device < 0) return false;
  ifreq wanted{};
  std::strcpy(wanted.ifr_name, hole);
  wanted.ifr_flags = IFF_TUN | IFF_NO_PI;
  if (::ioctl(device, TUNSETIFF, &wanted) != 0) return false;
  int const socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  bring_up(socket, "lo");
  bring_up(socket, hole);
  add_v4_address(socket, "192.0.2.2");
  add_v6_address("2001:db8::2");
  ::close(socket);
  return true;
}

weft::task<> connect_past(char const* swallowed, weft::net::connect_options options) {
  auto listener = tcp_listener::bind("127.0.0.1:0");
  auto const port = listener.local().port();
  std::vector const peers{endpoint(weft::net::address::parse(swallowed), port), listener.local()};
  auto const start = weft::now();
  auto const stream = co_await weft::net::connect(peers, "test", options);
  auto const took = weft::now() - start;
  require(stream.peer() == listener.local(), "the second address is connected to");
  require(took >= options.attempt_delay, "the first has had its time");
  require(took < options.attempt_delay + 1s, "the second did not wait for the first to give up");
}

// It must be silent for longer than the test would wait, or the test would show nothing.
weft::task<> stay_silent(char const* swallowed) {
  bool silent = false;
  try {
    co_await weft::with_timeout(
        2s, weft::net::connect(endpoint(weft::net::address::parse(swallowed), 80)));
  } catch (weft::timed_out const&) {
    silent = true;
  }
  require(silent, fmt::format("{} is silent", swallowed));
}

weft::task<> pass_over_black_holes() {
  for (char const* swallowed : {swallowed_v6, swallowed_v4}) {
    co_await stay_silent(swallowed);
    co_await connect_past(swallowed, {});
    co_await connect_past(swallowed, {.attempt_delay = 10ms});
  }
}

}  // namespace

int main(int count, char** arguments) {
  try {
    require(count == 2, "usage: black_holed_address uring|epoll");
    bool const on_epoll = std::strcmp(arguments[1], "epoll") == 0;
    if (::unshare(CLONE_NEWNET) != 0) {
      if (errno != EPERM || ::unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) return 77;
    }
    if (!make_black_hole()) return 77;
    weft::run(pass_over_black_holes(),
              {.backend = on_epoll ? weft::backend_kind::epoll : weft::backend_kind::uring});
  } catch (std::exception const& failure) {
    fmt::print(stderr, "{}\n", failure.what());
    return 1;
  }
}
