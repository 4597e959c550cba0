// The limit on io_uring, in the style of C, with all that a kernel from 6.1 on offers one thread.
// Of the variants that were measured the best one: receives are one-shot, with POLL_FIRST unless
// the last one said that there is more, because trying a receive that finds nothing costs as much
// as one that does; sends are plain system calls, because almost all of them end at once, and only
// what the socket does not take goes through the ring. Multishot receives cost 10 % more.
#include <liburing.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>

#include "server.hpp"

namespace {

// Sockets are blocking: the ring waits for them itself.
struct connection {
  int fd;
  unsigned begin;  // of what is to be sent
  unsigned end;
  connection* next;  // unused ones are kept: a new one costs no call of the kernel
  std::array<char, server::buffer_size> buffer;
};

// user_data: a connection's address, or with this bit set that of one that sends; 0: the listener.
constexpr std::uint64_t sending = 1;

io_uring ring;
connection* unused;

void set_up() {
  io_uring_params params{};
  params.flags = IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_SINGLE_ISSUER |
                 IORING_SETUP_COOP_TASKRUN | IORING_SETUP_TASKRUN_FLAG | IORING_SETUP_SUBMIT_ALL |
                 IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
  params.cq_entries = 4096;
  if (int const result = ::io_uring_queue_init_params(1024, &ring, &params); result < 0)
    server::fail("io_uring_queue_init_params", -result);
  ::io_uring_register_ring_fd(&ring);  // saves looking up the descriptor at each call
}

io_uring_sqe* new_entry() {
  io_uring_sqe* entry = nullptr;
  while ((entry = ::io_uring_get_sqe(&ring)) == nullptr) ::io_uring_submit(&ring);
  return entry;
}

void accept_from(int listener) {
  io_uring_sqe* const entry = new_entry();
  ::io_uring_prep_multishot_accept(entry, listener, nullptr, nullptr, SOCK_CLOEXEC);
  ::io_uring_sqe_set_data64(entry, 0);
}

void receive(connection& peer, bool more) {
  io_uring_sqe* const entry = new_entry();
  ::io_uring_prep_recv(entry, peer.fd, peer.buffer.data(), peer.buffer.size(), 0);
  if (!more) entry->ioprio = IORING_RECVSEND_POLL_FIRST;
  ::io_uring_sqe_set_data(entry, &peer);
}

[[gnu::noinline]] void send_rest(connection& peer) {
  io_uring_sqe* const entry = new_entry();
  ::io_uring_prep_send(entry, peer.fd, peer.buffer.data() + peer.begin, peer.end - peer.begin,
                       MSG_NOSIGNAL);
  ::io_uring_sqe_set_data64(entry, reinterpret_cast<std::uint64_t>(&peer) | sending);
}

[[gnu::noinline]] void drop(connection& peer) {
  ::close(peer.fd);
  peer.next = unused;
  unused = &peer;
}

void accepted(int fd) {
  connection* peer = unused;
  if (peer != nullptr)
    unused = peer->next;
  else
    peer = static_cast<connection*>(std::malloc(sizeof(connection)));
  if (peer == nullptr) server::fail("malloc", errno);
  peer->fd = fd;
  receive(*peer, false);
}

void received(connection& peer, io_uring_cqe const& completion) {
  if (completion.res <= 0) return drop(peer);
  auto const size = static_cast<unsigned>(completion.res);
  ssize_t sent = ::send(peer.fd, peer.buffer.data(), size, MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent == completion.res) [[likely]]
    return receive(peer, (completion.flags & IORING_CQE_F_SOCK_NONEMPTY) != 0);
  if (sent < 0 && errno != EAGAIN) return drop(peer);
  if (sent < 0) sent = 0;
  peer.begin = static_cast<unsigned>(sent);
  peer.end = size;
  send_rest(peer);
}

[[gnu::noinline]] void sent_more(connection& peer, int result) {
  if (result < 0) return drop(peer);
  peer.begin += static_cast<unsigned>(result);
  if (peer.begin != peer.end) return send_rest(peer);
  receive(peer, true);  // meanwhile some has most likely come
}

void handle(io_uring_cqe const& completion, int listener) {
  if (completion.user_data == 0) {
    if (completion.res >= 0) accepted(completion.res);
    if ((completion.flags & IORING_CQE_F_MORE) == 0) accept_from(listener);
    return;
  }
  auto& peer = *reinterpret_cast<connection*>(completion.user_data & ~sending);
  if ((completion.user_data & sending) != 0)
    sent_more(peer, completion.res);
  else
    received(peer, completion);
}

}  // namespace

int main(int argc, char** argv) {
  int const listener = server::listen_on(server::port_of(argc, argv), 0);
  set_up();
  accept_from(listener);
  server::exit_at_sigterm();
  server::announce(server::port_of_socket(listener), "raw io_uring");

  for (;;) {
    ::io_uring_submit_and_wait(&ring, 1);
    unsigned head = 0;
    unsigned count = 0;
    io_uring_cqe* completion = nullptr;
    io_uring_for_each_cqe(&ring, head, completion) {
      handle(*completion, listener);
      ++count;
    }
    ::io_uring_cq_advance(&ring, count);
  }
}
