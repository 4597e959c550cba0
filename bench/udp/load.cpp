// See load.hpp.
#include "load.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/time.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "support/socket.hpp"

namespace bench {

namespace {

constexpr std::size_t batch_max = 64;
constexpr std::byte filling{0x5a};
constexpr timeval patience{.tv_sec = 10, .tv_usec = 0};

}  // namespace

datagram_load::datagram_load(std::uint16_t port, std::size_t in_flight, std::size_t size)
    : socket_(checked("socket", ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0))),
      in_flight_(in_flight),
      size_(size),
      outgoing_(batch_max * size, filling),
      incoming_(batch_max * (size + 1)),  // one byte too many would be found out
      pieces_(batch_max),
      messages_(batch_max) {
  int const fd = socket_.get();
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(loopback);
  checked("connect", ::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address));
  checked("SO_RCVTIMEO", ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience));
}

phase datagram_load::run(limit const& until) {
  phase done;
  done.latencies.reserve(1 << 20);
  std::int64_t const end = std::chrono::nanoseconds(until.time.time_since_epoch()).count();
  std::uint64_t left = until.requests;
  std::int64_t const start = monotonic_now();
  for (std::uint64_t free = in_flight_;; free = receive(done)) {
    if (monotonic_now() >= end) left = 0;
    for (std::uint64_t next = std::min(free, left); next != 0;) {
      std::size_t const count = std::min<std::uint64_t>(next, batch_max);
      send(count);
      next -= count;
      left -= count;
    }
    if (outstanding_ == 0) break;
  }
  done.elapsed = std::chrono::nanoseconds(monotonic_now() - start);
  return done;
}

void datagram_load::send(std::size_t count) {
  for (std::size_t i = 0; i < count; ++i) {
    std::byte* const at = outgoing_.data() + i * size_;
    stamp const carried{.sent_at = monotonic_now(), .number = sent_++};
    std::memcpy(at, &carried, sizeof carried);
    pieces_[i] = {.iov_base = at, .iov_len = size_};
    messages_[i] = {.msg_hdr = {}, .msg_len = 0};
    messages_[i].msg_hdr.msg_iov = &pieces_[i];
    messages_[i].msg_hdr.msg_iovlen = 1;
  }
  for (std::size_t begin = 0; begin != count;)
    begin += static_cast<std::size_t>(
        checked("sendmmsg", ::sendmmsg(socket_.get(), messages_.data() + begin,
                                       static_cast<unsigned>(count - begin), 0)));
  outstanding_ += count;
}

// Waits for the next ones and yields how many.
std::size_t datagram_load::receive(phase& into) {
  for (std::size_t i = 0; i < batch_max; ++i) {
    pieces_[i] = {.iov_base = incoming_.data() + i * (size_ + 1), .iov_len = size_ + 1};
    messages_[i] = {.msg_hdr = {}, .msg_len = 0};
    messages_[i].msg_hdr.msg_iov = &pieces_[i];
    messages_[i].msg_hdr.msg_iovlen = 1;
  }
  int const received =
      ::recvmmsg(socket_.get(), messages_.data(), batch_max, MSG_WAITFORONE, nullptr);
  if (received < 0 && errno == EAGAIN)
    throw std::runtime_error(fmt::format("{} datagrams were not answered", outstanding_));
  auto const count = static_cast<std::size_t>(checked("recvmmsg", received));
  std::int64_t const now = monotonic_now();
  for (std::size_t i = 0; i < count; ++i) {
    auto const* const at = static_cast<std::byte const*>(pieces_[i].iov_base);
    stamp carried{};
    std::memcpy(&carried, at, sizeof carried);
    if (messages_[i].msg_len != size_ || carried.number >= sent_ ||
        !std::all_of(at + sizeof carried, at + size_, [](auto each) { return each == filling; }))
      throw std::runtime_error(
          fmt::format("datagram {} was answered wrongly", into.latencies.size() + 1));
    into.latencies.push_back(static_cast<std::uint32_t>(now - carried.sent_at));
  }
  if (count > outstanding_) throw std::runtime_error("a datagram was answered twice");
  outstanding_ -= count;
  return count;
}

}  // namespace bench
