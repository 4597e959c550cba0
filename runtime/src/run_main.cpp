// run_main: the root as a program, with its signals and its exit code.
#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include <fmt/format.h>

#include "loop.hpp"
#include "raw_mode.hpp"
#include "stall_threshold.hpp"
#include "warn.hpp"
#include "weft/dump.hpp"
#include "weft/error.hpp"
#include "weft/log.hpp"
#include "weft/run.hpp"

namespace weft::inline v0::detail {

namespace {

constexpr std::array<int, 3> watched_signals = {SIGINT, SIGTERM, SIGQUIT};

dump_format wanted_format() {
  char const* const value = std::getenv("WEFT_DUMP");
  std::string_view const wanted = value != nullptr ? value : "";
  if (wanted.empty() || wanted == "text") return dump_format::text;
  if (wanted == "json") return dump_format::json;
  throw std::invalid_argument(
      fmt::format("WEFT_DUMP={}: there is no such form; use text or json", wanted));
}

// What SIGQUIT prints; JSON as one object.
std::string state_of(loop& described, dump_format format) {
  auto const metrics = metrics_of(described);
  if (format == dump_format::text) return dump(format) + to_text(metrics);
  return fmt::format("{{\"tasks\":{},\"metrics\":{}}}\n", dump(format), to_json(metrics));
}

// All of it, however long that takes: who asks for it waits for it.
void write_to_stderr(std::string_view text) noexcept {
  while (!text.empty()) {
    ssize_t const written = ::write(STDERR_FILENO, text.data(), text.size());
    if (written >= 0) {
      text.remove_prefix(static_cast<std::size_t>(written));
    } else if (errno == EAGAIN) {
      pollfd full{.fd = STDERR_FILENO, .events = POLLOUT, .revents = 0};
      ::poll(&full, 1, -1);
    } else if (errno != EINTR) {
      return;  // there is nobody to tell
    }
  }
}

// Pushed into the inbox by the first signal: requests a stop and starts the drain deadline. It is
// static, since a signal may push it at the very end of the loop.
class signal_stop final : public operation, private timer {
 public:
  signal_stop() noexcept : operation("signal") {}

  void arm(loop& stopped, chain& root, std::int64_t drain) noexcept {
    loop_ = &stopped;
    root_ = &root;
    drain_ = drain;
  }
  void disarm() noexcept {
    timer::stop(*loop_);
    loop_ = nullptr;
  }

  void run() noexcept override {
    if (loop_ == nullptr) return;
    root_->own.request_stop();
    timer::start(*loop_, deadline_after(*loop_, drain_));
  }
  void cancel() noexcept override {}

 private:
  void fire() noexcept override { root_->own.cancel(); }

  loop* loop_ = nullptr;
  chain* root_ = nullptr;
  std::int64_t drain_ = 0;
};

signal_stop stop;

// Pushed into the inbox by each SIGQUIT, unless it is there already.
class state_request final : public operation {
 public:
  state_request() noexcept : operation("signal") {}

  void arm(loop& asked, dump_format format) noexcept {
    loop_ = &asked;
    format_ = format;
  }
  void disarm() noexcept { loop_ = nullptr; }

  void run() noexcept override;
  void cancel() noexcept override {}

 private:
  loop* loop_ = nullptr;
  dump_format format_ = dump_format::text;
};

state_request state_asked_for;

// What the signal handler may touch.
std::atomic<int> first_signal{0};
std::atomic<bool> state_wanted{false};
std::atomic<inbox*> entrance{nullptr};
std::atomic<bool> told{false};   // whether `stop` was pushed
std::atomic<bool> asked{false};  // whether `state_asked_for` was, and has not run
std::atomic<int> telling{0};     // how many may be using the entrance

// Pushes `stop` once there are both a signal and an entrance, and likewise the request. Whoever
// brings the second of them sees the other, since all of this is sequentially consistent; when both
// do, one is let through.
void tell_the_loop() noexcept {
  ++telling;
  if (auto* const open = entrance.load(); open != nullptr) {
    if (first_signal != 0 && !told.exchange(true)) open->push(stop);
    if (state_wanted && !asked.exchange(true) && !open->push(state_asked_for)) asked = false;
  }
  --telling;
}

// A signal that comes from here on asks anew; one that came before is answered by this.
void state_request::run() noexcept {
  state_wanted = false;
  asked = false;
  if (loop_ == nullptr) return;
  try {
    write_to_stderr(state_of(*loop_, format_));
  } catch (std::exception const& error) {
    warn("weft: the state that SIGQUIT asks for cannot be told: {}", error.what());
  }
}

extern "C" void on_signal(int number) {
  if (number == SIGQUIT) {
    state_wanted = true;
    return tell_the_loop();
  }
  int none = 0;
  if (!first_signal.compare_exchange_strong(none, number)) {
    restore_terminal();
    ::_exit(128 + number);
  }
  tell_the_loop();
}

// Handles the signals while it lives; one that is ignored at the start (nohup) stays ignored.
class signal_watch {
 public:
  signal_watch() noexcept {
    first_signal = 0;
    state_wanted = false;
    told = false;
    for (std::size_t i = 0; i < watched_signals.size(); ++i) {
      struct sigaction action{};
      action.sa_handler = on_signal;
      action.sa_flags = SA_RESTART;
      ::sigfillset(&action.sa_mask);
      ::sigaction(watched_signals[i], nullptr, &before_[i]);
      if (before_[i].sa_handler != SIG_IGN) ::sigaction(watched_signals[i], &action, nullptr);
    }
  }
  ~signal_watch() {
    for (std::size_t i = 0; i < watched_signals.size(); ++i)
      ::sigaction(watched_signals[i], &before_[i], nullptr);
  }
  signal_watch(signal_watch const&) = delete;
  signal_watch& operator=(signal_watch const&) = delete;

 private:
  std::array<struct sigaction, watched_signals.size()> before_{};
};

// Connects the handler with a loop while the root runs.
class connection {
 public:
  connection(loop& home, chain& root, std::int64_t drain, dump_format format) noexcept
      : inbox_(home.entrance()) {
    home.stop_may_come = true;
    stop.arm(home, root, drain);
    state_asked_for.arm(home, format);
    entrance = inbox_.get();
    tell_the_loop();  // of a signal that came before there was anybody to tell
  }
  ~connection() {
    entrance = nullptr;
    // A handler that runs on another thread right now may have the entrance in hand; it is short.
    while (telling != 0) {}
    stop.disarm();
    state_asked_for.disarm();
  }
  connection(connection const&) = delete;
  connection& operator=(connection const&) = delete;

 private:
  std::shared_ptr<inbox> inbox_;
};

void raise_file_limit() noexcept {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0 || files.rlim_cur == files.rlim_max) return;
  files.rlim_cur = files.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &files);
}

}  // namespace

int run_root_as_program(frame_owner& root, run_options const& options, transfer_mode) {
  try {
    if (options.raise_file_limit) raise_file_limit();
    signal_watch const watch;
    auto const format = wanted_format();
    auto const make = [&](int wake_fd) { return make_backend(options.backend, wake_fd); };
    auto const connect = [&](loop& home, chain& first) {
      return std::make_shared<connection>(home, first, to_nanoseconds(options.drain), format);
    };
    run_root_on(root,
                {.make_backend = make,
                 .after_resume = {},
                 .stall_threshold = stall_threshold(options.stall_threshold)},
                connect);
    if (root.get()->error) std::rethrow_exception(root.get()->error);
    return -1;
  } catch (cancelled const&) {
    if (int const number = first_signal; number != 0) return 128 + number;
    log(log_level::error, "the program's task was cancelled");
  } catch (std::exception const& error) {
    log(log_level::error, error.what());
  } catch (...) {
    log(log_level::error, "the program's task threw something that is no std::exception");
  }
  return 1;
}

}  // namespace weft::inline v0::detail
