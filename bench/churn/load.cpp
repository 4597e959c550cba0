// See load.hpp.
#include "load.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "support/socket.hpp"

namespace bench {

namespace {

constexpr int patience_ms = 10'000;

// 127.0.1.1 and on, in turns.
constexpr std::uint32_t first_source = 0x7f000101;
constexpr std::uint32_t sources = 250;

}  // namespace

churn_load::churn_load(std::uint16_t port, std::size_t clients)
    : port_(port),
      clients_(clients),
      poller_(checked("epoll_create1", ::epoll_create1(EPOLL_CLOEXEC))) {}

phase churn_load::run(limit const& until) {
  phase_ = {};
  phase_.latencies.reserve(1 << 16);
  end_ = std::chrono::nanoseconds(until.time.time_since_epoch()).count();
  left_ = until.requests;
  std::int64_t const start = monotonic_now();
  for (client& each : clients_)
    if (left_ != 0) begin(each, monotonic_now());

  std::array<epoll_event, 512> events;
  while (outstanding_ != 0) {
    int const count =
        ::epoll_wait(poller_.get(), events.data(), static_cast<int>(events.size()), patience_ms);
    if (count < 0 && errno != EINTR) checked("epoll_wait", count);
    if (count == 0)
      throw std::runtime_error(fmt::format("{} connections were not served", outstanding_));
    for (int i = 0; i < count; ++i) receive(*static_cast<client*>(events[i].data.ptr));
  }
  phase_.elapsed = std::chrono::nanoseconds(monotonic_now() - start);
  return std::move(phase_);
}

void churn_load::begin(client& with, std::int64_t now) {
  --left_;
  ++outstanding_;
  with.start = now;
  with.received = 0;
  with.message.fill(static_cast<char>(connected_));
  std::memcpy(with.message.data(), &connected_, sizeof connected_);
  with.socket =
      connect_to(port_, first_source + static_cast<std::uint32_t>(connected_++ % sources));
  int const fd = with.socket.get();
  if (::send(fd, with.message.data(), message_size, MSG_NOSIGNAL) != ssize_t{message_size})
    throw std::runtime_error("a request was not taken at once");
  epoll_event event{.events = EPOLLIN | EPOLLET, .data = {.ptr = &with}};
  checked("epoll_ctl", ::epoll_ctl(poller_.get(), EPOLL_CTL_ADD, fd, &event));
}

void churn_load::receive(client& with) {
  std::array<char, message_size + 1> answer;  // one byte too many would be found out
  ssize_t const count =
      ::recv(with.socket.get(), answer.data(), answer.size() - with.received, MSG_DONTWAIT);
  if (count < 0 && errno == EAGAIN) return;
  checked("recv", static_cast<int>(count));
  if (count == 0) throw std::runtime_error("the server closed a connection");
  auto const size = static_cast<std::size_t>(count);
  if (with.received + size > message_size ||
      std::memcmp(answer.data(), with.message.data() + with.received, size) != 0)
    throw std::runtime_error(
        fmt::format("connection {} was answered wrongly", phase_.latencies.size() + 1));
  with.received += size;
  if (with.received == message_size) end(with);
}

void churn_load::end(client& with) {
  std::int64_t const now = monotonic_now();
  phase_.latencies.push_back(static_cast<std::uint32_t>(now - with.start));
  --outstanding_;
  with.socket.close();
  if (left_ != 0 && now < end_) begin(with, now);
}

}  // namespace bench
