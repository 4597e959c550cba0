// Computing: the same work on the loop, on threads and in processes, and what a clock on the loop
// notices of it.
#include <algorithm>
#include <chrono>
#include <csignal>
#include <stdexcept>
#include <string>
#include <string_view>

#include <fmt/format.h>
#include <weft/process_pool.hpp>
#include <weft/weft.hpp>

#include "advice.hpp"
#include "steps.hpp"

using namespace std::chrono_literals;

namespace tour {

namespace {

constexpr int chunks = 8;
constexpr int numbers_in_chunk = 400'000;

int primes_in(int chunk) {
  int found = 0;
  for (int n = chunk * numbers_in_chunk + 2; n < (chunk + 1) * numbers_in_chunk + 2; ++n) {
    bool is_prime = true;
    for (int d = 2; d * d <= n && is_prime; ++d) is_prime = n % d != 0;
    found += is_prime ? 1 : 0;
  }
  return found;
}

// The longest that a clock of 1 ms on this loop had to wait for its next tick.
weft::task<> tick(std::chrono::nanoseconds& longest) {
  for (auto last = weft::now();;) {
    co_await weft::sleep_for(1ms);
    auto const now = weft::now();
    longest = std::max<std::chrono::nanoseconds>(longest, now - last);
    last = now;
  }
}

template <weft::executor Executor>
weft::task<int> count_on(Executor& executor, std::string where, narrator& out) {
  std::chrono::nanoseconds longest{0};
  int primes = 0;
  auto const begun = weft::now();
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    auto const ticking = tasks.spawn(tick(longest));
    co_await weft::sleep_for(5ms);
    int next = 0;
    co_await weft::scope([&](weft::task_scope& counting) -> weft::task<> {
      for (std::size_t i = 0; i < executor.size(); ++i)
        counting
            .spawn([&]() -> weft::task<> {
              while (next < chunks) {
                primes += co_await executor.run(primes_in, next++);
                out.show_progress(static_cast<std::size_t>(next), chunks);
              }
            })
            .name("counting");
      co_return;
    });
    co_await weft::sleep_for(5ms);  // the clock sees how long it had to wait
    ticking.cancel();
  });
  auto const took = weft::now() - begun;
  executor.close();
  co_await executor.join();
  out.measured(where, fmt::format("{}, the clock waited {} at most", duration_text(took),
                                  duration_text(longest)));
  co_return primes;
}

int die(int chunk) {
  if (chunk == 3) ::raise(SIGKILL);
  return chunk;
}

// Shows what the advisor says of the work on the loop. It says it on a thread of its own, soon.
weft::task<> quote_advice(narrator& out) {
  std::string said;
  for (int i = 0; i < 100 && said.empty(); ++i) {
    co_await weft::sleep_for(10ms);
    said = advice::take();
  }
  out.clear();
  if (said.empty()) co_return;
  out.note("Weft has noticed, as it does when it is told a threshold (here 50 ms):");
  std::size_t end = 0;
  for (int lines = 0; lines < 4 && end < said.size(); ++lines)
    end = std::min(said.find('\n', end), said.size() - 1) + 1;
  out.quote_all(std::string_view(said).substr(0, end));
  out.note("and who called that.");
}

}  // namespace

weft::task<> compute(narrator& out) {
  out.begin("Computing",
            fmt::format("The primes below {} are counted in {} pieces, on the loop itself, on "
                        "threads, and in processes, while a clock on the loop ticks every "
                        "millisecond.",
                        number_text(chunks * numbers_in_chunk), chunks));
  (void)advice::take();  // of before
  weft::inline_executor here;
  auto const primes = co_await count_on(here, "on the loop", out);
  co_await quote_advice(out);
  weft::thread_pool threads;
  bool agree =
      co_await count_on(threads, fmt::format("on {} threads", threads.size()), out) == primes;
  weft::process_pool processes;
  agree = co_await count_on(processes, fmt::format("in {} processes", processes.size()), out) ==
              primes &&
          agree;
  if (!agree) throw std::runtime_error("the executors do not agree on how many primes there are");
  out.measured("primes", number_text(primes));
  out.lesson(
      "Work that computes holds up everything else on the loop. Moving it away is one word, "
      "and then as many processors do it as there are.");
}

weft::task<> lose_a_worker(narrator& out) {
  out.begin("A crash",
            fmt::format("{} jobs in a pool of processes; one of them kills its process.", chunks));
  weft::process_pool pool(2);
  int done = 0;
  std::string lost;
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    for (int chunk = 0; chunk < chunks; ++chunk)
      tasks.spawn([&, chunk]() -> weft::task<> {
        try {
          (void)co_await pool.run(die, chunk);
          ++done;
        } catch (weft::worker_died const& error) {
          lost = error.status() ? error.status()->to_string() : "unknown";
        }
      });
    co_return;
  });
  auto const restarted = pool.stats().restarted;
  pool.close();
  co_await pool.join();
  out.measured("jobs that were done", fmt::format("{} of {}", done, chunks));
  out.measured("the other one", "its process was lost: " + lost);
  out.measured("processes replaced", number_text(static_cast<double>(restarted)));
  out.lesson(
      "What may crash belongs in a process: one job is lost, its task gets an exception, and "
      "everything else goes on.");
}

}  // namespace tour
