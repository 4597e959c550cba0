// See weft/thread.hpp.
#include "weft/thread.hpp"

#include <pthread.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <exception>
#include <stdexcept>

#include "fork_server.hpp"
#include "milestone.hpp"
#include "signals_blocked.hpp"
#include "thread_name.hpp"
#include "thrown.hpp"
#include "warn.hpp"

namespace weft::inline v0 {

namespace detail {

struct thread_state {
  std::string name;
  std::stop_source stop;
  milestone has_ended;
  std::exception_ptr error;  // written before that is reached
  std::atomic<bool> error_was_thrown{false};
};

namespace {

thread_local std::string const* given_name = nullptr;

}  // namespace
}  // namespace detail

std::string this_thread_name() {
  if (detail::given_name != nullptr) return *detail::given_name;
  if (::gettid() == ::getpid()) return "MainThread";
  std::array<char, 16> name{};
  ::pthread_getname_np(::pthread_self(), name.data(), name.size());
  return name.data();
}

thread::thread(std::string name, std::unique_ptr<detail::thread_body> body)
    : state_(std::make_shared<detail::thread_state>()) {
  state_->name = std::move(name);
  detail::fork_server::start_if_wanted();
  detail::signals_blocked const blocked;
  running_ = std::jthread([state = state_, run = std::move(body)]() mutable {
    detail::given_name = &state->name;
    try {
      run->run(state->stop.get_token());
      run.reset();  // what it holds may throw too, and is gone before anybody hears of the end
    } catch (...) {
      state->error = std::current_exception();
    }
    state->has_ended.reach();
  });
  detail::name_thread(running_.native_handle(), state_->name);
}

thread& thread::operator=(thread&& other) noexcept {
  if (this != &other) {
    thread const dropped(std::move(*this));
    state_ = std::move(other.state_);
    running_ = std::move(other.running_);
  }
  return *this;
}

thread::~thread() {
  if (!state_) return;
  state_->stop.request_stop();
  running_.join();
  if (!state_->error || state_->error_was_thrown.load(std::memory_order_relaxed)) return;
  try {
    std::rethrow_exception(state_->error);
  } catch (...) {
    auto const thrown = detail::thrown_now();
    detail::warn("the thread {} ended by {}: {}, and nobody has joined it", state_->name,
                 thrown.type, thrown.message);
  }
}

task<> thread::join() const {
  auto const state = state_;
  static_cast<void>(there());
  co_await detail::milestone_wait("join of a thread", {state, &state->has_ended});
  if (!state->error) co_return;
  state->error_was_thrown.store(true, std::memory_order_relaxed);
  std::rethrow_exception(state->error);
}

bool thread::ended() const { return there().has_ended.reached(); }
void thread::request_stop() const { there().stop.request_stop(); }
std::string const& thread::name() const { return there().name; }

detail::thread_state& thread::there() const {
  if (!state_) throw std::logic_error("weft::thread: it was not started, or has been moved from");
  return *state_;
}

}  // namespace weft::inline v0
