// What many tasks want to say over one connection: it gathers while a write is under way, and goes
// out with the next.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "weft/event.hpp"
#include "weft/net/stream_socket.hpp"
#include "weft/task.hpp"

namespace weft::inline v0::detail {

class gathering_writer {
 public:
  gathering_writer() noexcept { has_room_.set(); }

  // What has not gone out yet. Append to it whole messages, and say has_more().
  [[nodiscard]] std::string& unsent() noexcept { return unsent_; }
  void has_more() noexcept {
    has_unsent_.set();
    if (unsent_.size() > crowd_bytes) has_room_.reset();
  }

  // Waits while more has gathered than the other end takes.
  [[nodiscard]] event::wait_operation room() noexcept { return has_room_.wait(); }

  // Writes until it is cancelled or a write fails.
  task<> run(net::stream_socket& to) {
    std::string sending;
    for (;;) {
      co_await has_unsent_.wait();
      has_unsent_.reset();
      has_room_.set();
      sending.clear();
      sending.swap(unsent_);
      co_await to.write_all(std::as_bytes(std::span(sending)));
    }
  }

 private:
  static constexpr std::size_t crowd_bytes = 1 << 20;

  std::string unsent_;
  event has_unsent_;
  event has_room_;
};

}  // namespace weft::inline v0::detail
