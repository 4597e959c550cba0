// See server.hpp and serve.hpp.
#include "weft/net/detail/server.hpp"

#include <cerrno>
#include <new>
#include <stdexcept>
#include <system_error>

#include <fmt/format.h>

#include "warn.hpp"
#include "weft/cancel.hpp"
#include "weft/error.hpp"
#include "weft/timeout.hpp"

namespace weft::inline v0::detail {

using namespace std::chrono_literals;

// A chain of its own, without a handle: small, because there may be many.
class server::connection final : public chain {
 public:
  connection(server& home, promise_base& root) noexcept
      : chain(*home.scope_.chain().loop, &home.scope_, root, home.site_), server_(home) {}

 private:
  void has_ended() noexcept override {
    server& home = server_;
    if (auto const& error = first.get()->error) home.failed(error);
    delete this;  // and with it the frame, which closes the stream
    home.ended();
  }

  server& server_;
};

// Ends when no connection is active; never before, whatever is cancelled.
class server::drained_operation final : public awaitable_operation<drained_operation, void> {
 public:
  static constexpr bool checkpoint = false;
  explicit drained_operation(server& drained) noexcept
      : awaitable_operation("serve"), drained_(drained) {}
  bool start() noexcept {
    if (drained_.active_ == 0) return true;
    drained_.draining_ = this;
    return false;
  }
  void value() const noexcept {}
  void cancel() noexcept override {}
  [[nodiscard]] std::string describe() const override {
    return fmt::format("the end of {} connections", drained_.active_);
  }

 private:
  server& drained_;
};

server::server(net::serve_options const& options, std::source_location site)
    : options_(options),
      counted_(options.statistics != nullptr ? *options.statistics : unseen_statistics_),
      site_(site),
      scope_(running_chain("weft::net::serve")) {
  if (options.max_connections == 0)
    throw std::invalid_argument("weft: serve with max_connections of 0");
  room_.set();
  idle_.set();
}

task<> server::run(std::function<void(task_scope&)> start_accepting) {
  std::exception_ptr error;
  try {
    co_await weft::until_stop([&] {
      return weft::scope([&](task_scope& tasks) -> task<> {
        start_accepting(tasks);
        co_return;
      });
    });
  } catch (...) {
    error = std::current_exception();
  }
  try {
    co_await with_timeout(options_.drain, idle_.wait());
  } catch (timed_out const&) {
    warn("serve: {} connections did not end in time and are cancelled", active_);
  } catch (...) {
    if (!error) error = std::current_exception();
  }
  scope_.cancel();
  co_await drained_operation(*this);
  if (error) std::rethrow_exception(error);
}

void server::start(task<> handler) {
  frame_owner frame = task_access::release(std::move(handler));
  if (frame.get() == nullptr) throw std::logic_error("the handler returned an empty task");
  auto inherited = inherited_from(scope_.chain());
  auto* const started = new connection(*this, *frame.get());
  started->extras = std::move(inherited);
  frame.release();  // the connection owns it now
  ++counted_.accepted;
  ++counted_.active;
  ++active_;
  idle_.reset();
  if (is_full()) room_.reset();
  scope_.chain().loop->push_ready(*started);
}

void server::ended() noexcept {
  if (counted_.active != 0) --counted_.active;  // the user may have set it to zero
  --active_;
  room_.set();
  if (active_ != 0) return;
  idle_.set();
  if (draining_ != nullptr) std::exchange(draining_, nullptr)->complete(0);
}

void server::failed(std::exception_ptr const& error) noexcept {
  try {
    std::rethrow_exception(error);
  } catch (cancelled const&) {
    ++counted_.cancelled;
    return;
  } catch (std::exception const& failure) {
    warn("serve: a connection failed: {}", failure.what());
  } catch (...) {
    warn("serve: a connection failed: with what is no std::exception");
  }
  ++counted_.failed;
}

void server::ran_out() {
  try {
    throw;
  } catch (std::bad_alloc const& error) {
    say_exhausted(error.what());
  } catch (std::system_error const& error) {
    switch (error.code().value()) {
      case EMFILE:
      case ENFILE:
      case ENOBUFS: return say_exhausted(error.what());
      default: throw;
    }
  }
}

void server::say_exhausted(char const* error) noexcept {
  if (!std::exchange(exhausted_, true))
    warn("serve: {}; accepting goes on when there is room again", error);
}

sleep_operation server::pause() { return sleep_for(50ms); }

}  // namespace weft::inline v0::detail
