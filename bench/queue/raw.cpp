// The limit of a queue over the network, as work.hpp says: the same bytes to and fro over TCP, with
// plain blocking calls, and no queue. A thread of the server answers each client. For each batch a
// client asks four times and waits for the answer: it sends the values (a put), gets as many (a
// take), sends as many (an ack), and gets as many (the results). It does so from its start on, and
// `throughput` only counts.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "support/file_descriptor.hpp"
#include "support/socket.hpp"
#include "work.hpp"

namespace {

using bench::checked;

// In front of each request.
struct header {
  std::uint32_t bytes;   // that follow
  std::uint32_t wanted;  // that the answer has
};

constexpr std::uint32_t small_bytes = 16;  // of what has no value in it

// False at the end of the connection.
bool receive(int from, char* into, std::size_t bytes) {
  while (bytes > 0) {
    auto const count = ::recv(from, into, bytes, 0);
    if (count <= 0) return false;
    into += count;
    bytes -= static_cast<std::size_t>(count);
  }
  return true;
}

bool send(int to, char const* from, std::size_t bytes) {
  while (bytes > 0) {
    auto const count = ::send(to, from, bytes, MSG_NOSIGNAL);
    if (count <= 0) return false;
    from += count;
    bytes -= static_cast<std::size_t>(count);
  }
  return true;
}

// Requests come one at a time: what one recv yields is at most one.
void answer(bench::file_descriptor const peer, std::size_t bytes_max,
            std::atomic<std::uint64_t>& answers) {
  std::vector<char> request(sizeof(header) + bytes_max);
  std::vector<char> const reply(bytes_max, 'x');
  for (;;) {
    auto const count = ::recv(peer.get(), request.data(), request.size(), 0);
    if (count < static_cast<ssize_t>(sizeof(header))) return;
    header of{};
    std::memcpy(&of, request.data(), sizeof of);
    auto const size = sizeof of + of.bytes;
    auto const got = static_cast<std::size_t>(count);
    if (!receive(peer.get(), request.data() + got, size - got)) return;
    if (!send(peer.get(), reply.data(), of.wanted)) return;
    answers.fetch_add(1, std::memory_order_relaxed);
  }
}

int listen_on_loopback(sockaddr_in& at) {
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  auto* const address = reinterpret_cast<sockaddr*>(&at);
  int const listener = checked("socket", ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  checked("bind", ::bind(listener, address, size));
  checked("listen", ::listen(listener, SOMAXCONN));
  checked("getsockname", ::getsockname(listener, address, &size));
  return listener;
}

void run_server(std::size_t batch, std::size_t bytes) {
  std::atomic<std::uint64_t> answers = 0;
  sockaddr_in at{};
  int const listener = listen_on_loopback(at);
  std::thread([&] {
    for (;;) {
      int const peer = checked("accept", ::accept(listener, nullptr, nullptr));
      int const on = 1;
      checked("setsockopt", ::setsockopt(peer, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on));
      std::thread([&, peer] {
        answer(bench::file_descriptor(peer), std::max<std::size_t>(small_bytes, batch * bytes),
               answers);
      }).detach();
    }
  }).detach();
  queue_bench::say(std::to_string(ntohs(at.sin_port)) + ' ' + std::to_string(::getpid()));
  for (std::string line; std::getline(std::cin, line);) {
    queue_bench::order const next(line);
    auto const before = answers.load(std::memory_order_relaxed);
    auto const begun = queue_bench::clock::now();
    std::this_thread::sleep_for(next.how_long);
    auto const done = answers.load(std::memory_order_relaxed) - before;
    queue_bench::say_throughput(done * batch / 4, queue_bench::clock::now() - begun);
  }
  std::_Exit(0);  // the threads wait for ever
}

void run_client(std::uint16_t port, std::size_t batch, std::size_t bytes) {
  auto const server = bench::connect_to(port);
  auto const large = static_cast<std::uint32_t>(batch * bytes);
  std::vector<char> request(sizeof(header) + large, 'x');
  std::vector<char> reply(std::max(large, small_bytes));
  auto const ask = [&](header of) {
    std::memcpy(request.data(), &of, sizeof of);
    return send(server.get(), request.data(), sizeof of + of.bytes) &&
           receive(server.get(), reply.data(), of.wanted);
  };
  queue_bench::say("ready");
  header const putting{.bytes = large, .wanted = small_bytes};
  header const getting{.bytes = small_bytes, .wanted = large};
  while (ask(putting) && ask(getting) && ask(putting) && ask(getting)) continue;
}

}  // namespace

int main(int argc, char** argv) {
  std::vector<std::string> const given(argv + 1, argv + argc);
  if (given.size() < 4) return 2;
  auto const batch = std::stoul(given[2]);
  auto const bytes = std::stoul(given[3]);
  if (given[0] == "worker")
    run_client(static_cast<std::uint16_t>(std::stoul(given[1])), batch, bytes);
  else
    run_server(batch, bytes);
}
