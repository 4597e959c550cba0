// See server.hpp and serve.hpp.
#include "weft/net/detail/server.hpp"

#include <cerrno>

#include <fmt/format.h>

#include "weft/cancel.hpp"
#include "weft/error.hpp"
#include "weft/log.hpp"
#include "weft/time.hpp"
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
    auto const error = first.get()->error;
    delete this;  // and with it the frame, which closes the stream
    home.ended(error);
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
    if (drained_.counted_.active == 0) return true;
    drained_.draining_ = this;
    return false;
  }
  void value() const noexcept {}
  void cancel() noexcept override {}
  [[nodiscard]] std::string describe() const override {
    return fmt::format("the end of {} connections", drained_.counted_.active);
  }

 private:
  server& drained_;
};

server::server(net::serve_options const& options, std::source_location site) noexcept
    : options_(options),
      counted_(options.statistics != nullptr ? *options.statistics : own_statistics_),
      site_(site),
      scope_(running_chain("weft::net::serve")) {
  room_.set();
  idle_.set();
}

namespace {

void log_failure(std::string_view what) noexcept {
  try {
    log(log_level::warning, fmt::format("serve: a connection failed: {}", what));
  } catch (std::bad_alloc const&) {
    log(log_level::warning, "serve: a connection failed");
  }
}

}  // namespace

task<> server::run(std::function<void(task_scope&)> start_accepting) {
  std::exception_ptr error;
  try {
    co_await weft::until_stop([&] {
      return weft::scope([&](task_scope& tasks) -> task<> {
        start_accepting(tasks);
        co_return;
      });
    });
    co_await with_timeout(options_.drain, idle_.wait());
  } catch (timed_out const&) {
    log(log_level::warning,
        fmt::format("serve: {} connections did not end in time and are cancelled",
                    counted_.active));
  } catch (...) {
    error = std::current_exception();
  }
  scope_.cancel();
  co_await drained_operation(*this);
  if (error) std::rethrow_exception(error);
}

void server::start(task<> handler) {
  frame_owner frame = task_access::release(std::move(handler));
  if (frame.get() == nullptr) throw std::logic_error("the handler returned an empty task");
  auto* const started = new connection(*this, *frame.get());
  frame.release();  // the connection owns it now
  ++counted_.accepted;
  ++counted_.active;
  idle_.reset();
  if (is_full()) room_.reset();
  scope_.chain().loop->push_ready(*started);
}

void server::ended(std::exception_ptr const& error) noexcept {
  --counted_.active;
  if (error) failed(error);
  room_.set();
  if (counted_.active != 0) return;
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
    log_failure(failure.what());
  } catch (...) {
    log_failure("with what is no std::exception");
  }
  ++counted_.failed;
}

task<> server::back_off(std::system_error const& error) {
  switch (error.code().value()) {
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM: break;
    default: throw error;
  }
  if (!std::exchange(exhausted_, true))
    log(log_level::warning,
        fmt::format("serve: {}; accepting goes on when there is room again", error.what()));
  co_await sleep_for(50ms);
}

}  // namespace weft::inline v0::detail
