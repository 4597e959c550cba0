// What serve() is made of: the scope of its connections, and what it counts.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <source_location>
#include <system_error>

#include "weft/detail/chain.hpp"
#include "weft/event.hpp"
#include "weft/net/stream_socket.hpp"
#include "weft/scope.hpp"

namespace weft::inline v0 {

namespace net {

// What a server has done so far.
struct serve_statistics {
  std::uint64_t accepted = 0;   // connections that a handler was started for
  std::uint64_t active = 0;     // those of them that have not ended
  std::uint64_t failed = 0;     // whose handler threw, other than cancelled
  std::uint64_t cancelled = 0;  // that were cut short
  std::uint64_t refused = 0;    // closed at once, with overload::refuse
  traffic bytes;
};

// What happens while max_connections are active.
enum class overload : unsigned char {
  wait,    // further ones wait in the listener's backlog
  refuse,  // further ones are accepted and closed
};

struct serve_options {
  std::size_t max_connections = std::numeric_limits<std::size_t>::max();
  overload at_limit = overload::wait;

  // How long after a stop request what has not ended is cancelled.
  std::chrono::nanoseconds drain = std::chrono::seconds(5);

  // Counted there if given; borrowed until serve has ended.
  serve_statistics* statistics = nullptr;
};

}  // namespace net

namespace detail {

// Lives in the coroutine of serve(), whose chain is inside its scope.
class WEFT_API server {
 public:
  server(net::serve_options const& options, std::source_location site) noexcept;
  server(server const&) = delete;
  server& operator=(server const&) = delete;
  ~server() = default;

  // Runs what `start_accepting` spawns until a stop is requested, then waits for the connections,
  // at most as long as the options say; cancels what is left, and returns when all have ended.
  task<> run(std::function<void(task_scope&)> start_accepting);

  [[nodiscard]] bool is_full() const noexcept {
    return counted_.active >= options_.max_connections;
  }
  [[nodiscard]] bool refuses() const noexcept { return options_.at_limit == net::overload::refuse; }
  [[nodiscard]] event::wait_operation room() noexcept { return room_.wait(); }
  void refused() noexcept { ++counted_.refused; }
  [[nodiscard]] net::traffic& traffic() noexcept { return counted_.bytes; }

  // Runs the task as a connection of its own.
  void start(task<> handler);

  // Notes that a connection failed.
  void failed(std::exception_ptr const& error) noexcept;

  // After accept() failed: returns when it is time to try again, or throws the error when it says
  // that the listener is broken. Says once that descriptors have run out.
  task<> back_off(std::system_error const& error);
  void accepted_again() noexcept { exhausted_ = false; }

 private:
  class connection;  // final: NOLINT(cppcoreguidelines-virtual-class-destructor)
  class drained_operation;

  void ended(std::exception_ptr const& error) noexcept;

  net::serve_options options_;
  net::serve_statistics own_statistics_;
  net::serve_statistics& counted_;
  std::source_location site_;
  entered_scope scope_;
  event room_;  // set while not full
  event idle_;  // set while no connection is active
  operation* draining_ = nullptr;
  bool exhausted_ = false;
};

}  // namespace detail
}  // namespace weft::inline v0
