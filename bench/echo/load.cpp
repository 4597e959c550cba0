// See load.hpp.
#include "load.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <random>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "support/socket.hpp"

namespace bench {

namespace {

constexpr int patience_ms = 10'000;

// Messages of a connection begin at different places of the text, so that one for another, an old
// one or a shifted one is found out.
constexpr std::size_t offsets = 4096;
constexpr std::size_t offset_step = 61;

std::vector<char> random_text(std::size_t size) {
  std::vector<char> text(size);
  std::minstd_rand random;  // NOLINT(*-msc51-cpp): any text will do
  for (char& c : text) c = static_cast<char>(random() >> 8);
  return text;
}

}  // namespace

echo_load::echo_load(std::uint16_t port, std::size_t connections, std::size_t size)
    : size_(size),
      text_(random_text(size + offsets)),
      connections_(connections),
      poller_(checked("epoll_create1", ::epoll_create1(EPOLL_CLOEXEC))) {
  for (std::size_t i = 0; i < connections; ++i) {
    connection& made = connections_[i];
    made.socket = connect_to(port);
    made.offset = i * 7 % offsets;
    epoll_event event{.events = EPOLLIN | EPOLLOUT | EPOLLET, .data = {.ptr = &made}};
    checked("epoll_ctl", ::epoll_ctl(poller_.get(), EPOLL_CTL_ADD, made.socket.get(), &event));
  }
}

phase echo_load::run(limit const& until) {
  phase_ = {};
  phase_.latencies.reserve(1 << 20);
  end_ = std::chrono::nanoseconds(until.time.time_since_epoch()).count();
  left_ = until.requests;
  std::int64_t const start = monotonic_now();
  begin_all();

  std::array<epoll_event, 512> events;
  while (outstanding_ != 0) {
    int const count =
        ::epoll_wait(poller_.get(), events.data(), static_cast<int>(events.size()), patience_ms);
    if (count < 0 && errno != EINTR) checked("epoll_wait", count);
    if (count == 0)
      throw std::runtime_error(fmt::format("{} requests were not answered", outstanding_));
    for (int i = 0; i < count; ++i) {
      auto& ready = *static_cast<connection*>(events[i].data.ptr);
      if (ready.awaiting && ready.sent != size_) send(ready);
      if (ready.awaiting) receive(ready);
    }
    if (in_step_ && outstanding_ == 0) begin_all();
  }
  phase_.elapsed = std::chrono::nanoseconds(monotonic_now() - start);
  return std::move(phase_);
}

phase echo_load::run_in_step(std::uint64_t requests) {
  in_step_ = true;
  phase done = run(limit::of(requests));
  in_step_ = false;
  return done;
}

void echo_load::begin_all() {
  for (connection& each : connections_)
    if (may_begin(monotonic_now())) begin(each, monotonic_now());
}

void echo_load::begin(connection& with, std::int64_t now) {
  --left_;
  ++outstanding_;
  with.sent = 0;
  with.received = 0;
  with.offset = (with.offset + offset_step) % offsets;
  with.start = now;
  with.awaiting = true;
  send(with);
}

// Tries at once; the rest follows on the edge that says that there is room again.
void echo_load::send(connection& to) {
  while (to.sent != size_) {
    ssize_t const count = ::send(to.socket.get(), text_.data() + to.offset + to.sent,
                                 size_ - to.sent, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (count < 0 && errno == EAGAIN) return;
    to.sent += static_cast<std::size_t>(checked("send", static_cast<int>(count)));
  }
}

// Asks for a byte more than should come: one too many is found out, and a receive that yields less
// than was asked for has drained the socket.
void echo_load::receive(connection& from) {
  for (;;) {
    std::size_t const asked = std::min(buffer_.size(), size_ - from.received + 1);
    ssize_t const count = ::recv(from.socket.get(), buffer_.data(), asked, MSG_DONTWAIT);
    if (count < 0 && errno == EAGAIN) return;
    checked("recv", static_cast<int>(count));
    if (count == 0) throw std::runtime_error("the server closed a connection");
    verify(from, static_cast<std::size_t>(count));
    from.received += static_cast<std::size_t>(count);
    if (from.received == size_) return end(from);
    if (static_cast<std::size_t>(count) < asked) return;
  }
}

void echo_load::verify(connection const& from, std::size_t count) const {
  if (count > from.sent - from.received)
    throw std::runtime_error("the server sent more than it has received");
  if (std::memcmp(buffer_.data(), text_.data() + from.offset + from.received, count) != 0)
    throw std::runtime_error(
        fmt::format("request {} was echoed wrongly", phase_.latencies.size() + 1));
}

void echo_load::end(connection& with) {
  std::int64_t const now = monotonic_now();
  phase_.latencies.push_back(static_cast<std::uint32_t>(now - with.start));
  with.awaiting = false;
  --outstanding_;
  if (!in_step_ && may_begin(now)) begin(with, now);
}

}  // namespace bench
