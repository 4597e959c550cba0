// The same on c-ares: its sockets in one epoll set, as its documentation has it. Of its timeouts it
// is told ten times a second, since asking for the next one goes through all questions.
//   cares PORT NAMES IN_FLIGHT
#include <ares.h>
#include <arpa/nameser.h>
#include <netdb.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <array>

#include "names.hpp"

namespace {

void require(int status, char const* call) {
  if (status == ARES_SUCCESS) return;
  std::fprintf(stderr, "%s: %s\n", call, ::ares_strerror(status));
  std::exit(1);
}

int epoll = -1;

void watch(void*, ares_socket_t socket, int readable, int writable) {
  epoll_event wanted{};
  wanted.events = (readable != 0 ? EPOLLIN : 0U) | (writable != 0 ? EPOLLOUT : 0U);
  wanted.data.fd = socket;
  if (wanted.events == 0)
    ::epoll_ctl(epoll, EPOLL_CTL_DEL, socket, nullptr);
  else if (::epoll_ctl(epoll, EPOLL_CTL_MOD, socket, &wanted) != 0)
    ::epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &wanted);
}

class asking {
 public:
  asking(ares_channel channel, bench::names& names) : channel_(channel), names_(names) {}

  // One place in flight: asks for one name after the other.
  void start() { ask_next(); }

  [[nodiscard]] std::size_t in_flight() const noexcept { return in_flight_; }

 private:
  struct question {
    asking* home;
    std::size_t number;
  };

  void ask_next() {
    auto const number = names_.next();
    if (!number) return;
    ++in_flight_;
    ask(*number);
  }

  void ask(std::size_t number) {
    auto* const asked = new question{this, number};
    ::ares_query(channel_, bench::name_of(number).c_str(), ns_c_in, ns_t_a, &answered, asked);
  }

  static void answered(void* asked, int status, int, unsigned char* message, int size) {
    question const done = *static_cast<question*>(asked);
    delete static_cast<question*>(asked);
    if (status == ARES_ETIMEOUT) return done.home->ask(done.number);  // datagrams get lost
    require(status, "ares_query");
    std::array<ares_addrttl, 8> addresses{};
    int count = static_cast<int>(addresses.size());
    require(::ares_parse_a_reply(message, size, nullptr, addresses.data(), &count),
            "ares_parse_a_reply");
    for (int i = 0; i < count; ++i)
      done.home->names_.answered(done.number,
                                 std::as_bytes(std::span(&addresses[i].ipaddr, std::size_t{1})));
    --done.home->in_flight_;
    done.home->ask_next();
  }

  ares_channel channel_;
  bench::names& names_;
  std::size_t in_flight_ = 0;
};

ares_channel open_channel(std::uint16_t port) {
  require(::ares_library_init(ARES_LIB_INIT_ALL), "ares_library_init");
  ares_options options{};
  options.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_EDNS | ARES_FLAG_STAYOPEN;
  options.ednspsz = 1232;
  options.sock_state_cb = &watch;
  ares_channel channel = nullptr;
  require(::ares_init_options(&channel, &options,
                              ARES_OPT_FLAGS | ARES_OPT_EDNSPSZ | ARES_OPT_SOCK_STATE_CB),
          "ares_init_options");
  auto const server = "127.0.0.1:" + std::to_string(port);
  require(::ares_set_servers_ports_csv(channel, server.c_str()), "ares_set_servers_ports_csv");
  return channel;
}

}  // namespace

int main(int count, char** arguments) {
  auto const given = bench::read_arguments(count, arguments);
  bench::names names(given.names);
  epoll = ::epoll_create1(EPOLL_CLOEXEC);
  auto* const channel = open_channel(given.port);
  asking all(channel, names);
  for (std::size_t i = 0; i < given.in_flight; ++i) all.start();
  std::array<epoll_event, 64> events{};
  while (all.in_flight() != 0) {
    int const ready = ::epoll_wait(epoll, events.data(), static_cast<int>(events.size()), 100);
    if (ready == 0) ::ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    for (int i = 0; i < ready; ++i) {
      epoll_event const& event = events[static_cast<std::size_t>(i)];
      bool const writable = (event.events & EPOLLOUT) != 0;
      ::ares_process_fd(channel, event.data.fd, writable ? event.data.fd : ARES_SOCKET_BAD);
    }
  }
  ::ares_destroy(channel);
  ::ares_library_cleanup();
  return names.exit_code();
}
