// What serve() is made of: the scope of its connections, their number, and what it counts.
#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <source_location>

#include "weft/detail/chain.hpp"
#include "weft/event.hpp"
#include "weft/net/serve_options.hpp"
#include "weft/scope.hpp"
#include "weft/time.hpp"

namespace weft::inline v0::detail {

// Lives in the coroutine of serve(), whose chain is inside its scope.
class WEFT_API server {
 public:
  // Throws std::invalid_argument for no connections at all.
  server(net::serve_options const& options, std::source_location site);
  server(server const&) = delete;
  server& operator=(server const&) = delete;
  ~server() = default;

  // Runs what `start_accepting` spawns until a stop is requested or it fails, then waits for the
  // connections, at most as long as the options say; cancels what is left, and returns, or throws
  // the failure, when all have ended.
  task<> run(std::function<void(task_scope&)> start_accepting);

  [[nodiscard]] bool is_full() const noexcept { return active_ >= options_.max_connections; }
  [[nodiscard]] bool refuses() const noexcept { return options_.at_limit == net::overload::refuse; }
  [[nodiscard]] event::wait_operation room() noexcept { return room_.wait(); }
  void refused() noexcept { ++counted_.refused; }

  // Null when nobody wants to know.
  [[nodiscard]] net::traffic* traffic() noexcept {
    return options_.statistics == nullptr ? nullptr : &counted_.bytes;
  }

  // Runs the task as a connection of its own.
  void start(task<> handler);

  // Notes that a connection failed.
  void failed(std::exception_ptr const& error) noexcept;

  // For a handler of what accept() throws: says once that descriptors or memory have run out, and
  // rethrows everything else.
  void ran_out();
  [[nodiscard]] static sleep_operation pause();
  void accepted_again() noexcept { exhausted_ = false; }

 private:
  class connection;  // final: NOLINT(cppcoreguidelines-virtual-class-destructor)
  class drained_operation;

  void say_exhausted(char const* error) noexcept;
  void ended() noexcept;

  net::serve_options options_;
  net::serve_statistics unseen_statistics_;
  net::serve_statistics& counted_;  // decides nothing: the user may share and change it
  std::source_location site_;
  entered_scope scope_;
  std::size_t active_ = 0;
  event room_;  // set while not full
  event idle_;  // set while no connection is active
  operation* draining_ = nullptr;
  bool exhausted_ = false;
};

}  // namespace weft::inline v0::detail
