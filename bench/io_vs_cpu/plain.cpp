// The executors without a runtime: blocking calls one by one, in threads, and in processes.
#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <exception>
#include <latch>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <thread>
#include <vector>

#include "gaps.hpp"
#include "support/file_descriptor.hpp"
#include "support/socket.hpp"
#include "work.hpp"

namespace io_vs_cpu {

namespace {

using bench::checked;
using bench::file_descriptor;
using clock = std::chrono::steady_clock;  // CLOCK_MONOTONIC, which all processes have in common

struct span_of_work {
  std::size_t done = 0;
  clock::time_point ended;
};

span_of_work operate_until(client& of, clock::time_point deadline) {
  span_of_work work;
  do {
    of.operate();
    ++work.done;
    work.ended = clock::now();
  } while (work.ended < deadline);
  return work;
}

clock::duration length_of(cell const& of) {
  return std::chrono::duration_cast<clock::duration>(of.length);
}

outcome blocking(cell const& of) {
  auto const files = files_for(of);
  client only(of, files, 0);
  outcome result{.before = usage_so_far()};
  auto const begun = clock::now();
  auto const work = operate_until(only, begun + length_of(of));
  result.after = usage_so_far();
  result.done = work.done;
  result.took = work.ended - begun;
  return result;
}

// A ticker on a thread of its own.
class ticker_thread {
 public:
  ticker_thread() : thread_([this](std::stop_token const& over) { tick_until(over); }) {}

  // What it has seen, once it has ended.
  gaps const& finish() {
    thread_.request_stop();
    thread_.join();
    return seen_;
  }

 private:
  void tick_until(std::stop_token const& over) {
    seen_.start();
    while (!over.stop_requested()) {
      std::this_thread::sleep_for(tick_length);
      seen_.tick();
    }
  }

  gaps seen_;
  std::jthread thread_;
};

// The ticker is one more thread, which competes with the others.
outcome in_threads(cell const& of) {
  auto const files = files_for(of);
  std::vector<span_of_work> work(of.clients);
  std::latch ready(static_cast<std::ptrdiff_t>(of.clients));
  std::latch start(1);
  clock::time_point begun;
  std::vector<std::jthread> threads;
  threads.reserve(of.clients);
  for (std::size_t i = 0; i < of.clients; ++i)
    threads.emplace_back([&, i] {
      client mine(of, files, i);
      ready.count_down();
      start.wait();
      work[i] = operate_until(mine, begun + length_of(of));
    });
  ready.wait();
  outcome result{.before = usage_so_far(), .ticker = "thread"};
  begun = clock::now();
  ticker_thread ticker;
  start.count_down();
  threads.clear();
  auto const& seen = ticker.finish();
  result.after = usage_so_far();
  result.p99_gap = seen.p99();
  result.worst_gap = seen.worst();
  for (auto const& each : work) result.done += each.done;
  result.took = std::ranges::max(work, {}, &span_of_work::ended).ended - begun;
  return result;
}

struct pipe_ends {
  pipe_ends() {
    int ends[2] = {};
    checked("pipe2", ::pipe2(ends, O_CLOEXEC));
    read = file_descriptor(ends[0]);
    write = file_descriptor(ends[1]);
  }
  file_descriptor read;
  file_descriptor write;
};

template <class Value>
void put(int pipe, Value const& value) {
  if (::write(pipe, &value, sizeof value) != sizeof value) std::_Exit(1);
}

// Nothing when the other end is gone.
template <class Value>
std::optional<Value> get(int pipe) {
  Value value{};
  if (::read(pipe, &value, sizeof value) != sizeof value) return std::nullopt;
  return value;
}

template <class Value>
Value expect(file_descriptor const& pipe) {
  auto const value = get<Value>(pipe.get());
  if (!value) throw std::runtime_error("a process has ended early");
  return *value;
}

// What each process does. It stays until its pipe ends, so that its memory can be looked at.
[[noreturn]] void serve_as_process(cell const& of, std::vector<std::string> const& files,
                                   std::size_t number, int orders, int results) try {
  client mine(of, files, number);
  put(results, 'r');
  if (auto const deadline = get<clock::time_point>(orders))
    put(results, operate_until(mine, *deadline));
  static_cast<void>(get<char>(orders));
  std::_Exit(0);
} catch (std::exception const& error) {
  std::fprintf(stderr, "plain: %s\n", error.what());
  std::_Exit(1);
}

struct child {
  pipe_ends orders;
  pipe_ends results;
};

// The ticker is in the parent, which has nothing else to do. Reports while the processes are there.
void in_processes(cell const& of) {
  auto const files = files_for(of);
  std::vector<child> children(of.clients);
  pid_t const parent = ::getpid();
  for (std::size_t i = 0; i < children.size(); ++i)
    if (checked("fork", ::fork()) == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      if (::getppid() != parent) std::_Exit(1);
      for (std::size_t k = 0; k < children.size(); ++k) {
        children[k].orders.write.close();
        if (k != i) children[k].orders.read.close();
      }
      serve_as_process(of, files, i, children[i].orders.read.get(),
                       children[i].results.write.get());
    }
  for (auto& each : children) {
    each.results.write.close();
    static_cast<void>(expect<char>(each.results.read));
  }
  outcome result{.before = usage_so_far(), .ticker = "parent"};
  auto const begun = clock::now();
  ticker_thread ticker;
  for (auto& each : children) put(each.orders.write.get(), begun + length_of(of));
  auto ended = begun;
  for (auto& each : children) {
    auto const work = expect<span_of_work>(each.results.read);
    result.done += work.done;
    ended = std::max(ended, work.ended);
  }
  auto const& seen = ticker.finish();
  result.after = usage_so_far();
  result.took = ended - begun;
  result.p99_gap = seen.p99();
  result.worst_gap = seen.worst();
  report(result);
}

}  // namespace

}  // namespace io_vs_cpu

int main(int count, char** arguments) try {
  auto const of = io_vs_cpu::read_cell(count, arguments);
  bench::raise_descriptor_limit();
  if (of.executor == "blocking")
    io_vs_cpu::report(io_vs_cpu::blocking(of));
  else if (of.executor == "threads")
    io_vs_cpu::report(io_vs_cpu::in_threads(of));
  else
    io_vs_cpu::in_processes(of);
  return 0;
} catch (std::exception const& error) {
  std::fprintf(stderr, "plain: %s\n", error.what());
  return 1;
}
