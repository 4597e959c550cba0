// Tutorial, 7: two threads change one balance, which should come out as 0. Without a lock one
// overwrites what the other has just written. Tasks have the same trouble where they await in the
// middle of a change, and only there.
#include <atomic>
#include <mutex>

#include <fmt/core.h>
#include <weft/mutex.hpp>
#include <weft/run.hpp>
#include <weft/scope.hpp>
#include <weft/this_task.hpp>
#include <weft/thread.hpp>

// Each read and each write is atomic, so the race is no undefined behaviour: it is only wrong.
std::atomic<int> balance{0};

void change_it(int n) {  // put in, then take out: nothing should remain
  balance.store(balance.load() + n);
  balance.store(balance.load() - n);
}

void run_thread(int n) {
  for (int i = 0; i < 100'000; ++i) change_it(n);
}

std::mutex lock;

void run_thread_with_lock(int n) {
  for (int i = 0; i < 100'000; ++i) {
    std::lock_guard const holding(lock);
    change_it(n);
  }
}

weft::task<> two_threads(void (*run)(int)) {
  balance = 0;
  weft::thread const t1("t1", run, 5);
  weft::thread const t2("t2", run, 8);
  co_await t1.join();
  co_await t2.join();
}

weft::task<> put_in_one() {
  int const seen = balance;
  co_await weft::yield();  // the other task runs here
  balance = seen + 1;
}

weft::task<> put_in_one_with_lock(weft::mutex& mutex) {
  auto const holding = co_await mutex.lock();
  co_await put_in_one();
}

weft::task<> app() {
  // Luck may hide the race, more so on a single processor.
  do co_await two_threads(run_thread);
  while (balance == 0);
  fmt::print("two threads without a lock: {}, where 0 would be right\n", balance.load());
  co_await two_threads(run_thread_with_lock);
  fmt::print("two threads with a lock: {}\n", balance.load());

  balance = 0;
  co_await weft::scope([](weft::task_scope& tasks) -> weft::task<> {
    for (int i = 0; i < 2; ++i) tasks.spawn(put_in_one());
    co_return;
  });
  fmt::print("two tasks without a lock: {}, where 2 would be right\n", balance.load());
  balance = 0;
  weft::mutex mutex;
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    for (int i = 0; i < 2; ++i) tasks.spawn(put_in_one_with_lock(mutex));
    co_return;
  });
  fmt::print("two tasks with a lock: {}\n", balance.load());
}

int main() { return weft::run_main(app()); }
