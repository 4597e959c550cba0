// Tutorial, 6: a thread with a name.
#include <chrono>
#include <cstdio>
#include <thread>

#include <fmt/core.h>
#include <weft/run.hpp>
#include <weft/thread.hpp>

using namespace std::chrono_literals;

void loop() {
  fmt::print("thread {} is running...\n", weft::this_thread_name());
  for (int n = 1; n <= 5; ++n) {
    fmt::print("thread {} >>> {}\n", weft::this_thread_name(), n);
    std::this_thread::sleep_for(1s);
  }
  fmt::print("thread {} ended.\n", weft::this_thread_name());
}

weft::task<> app() {
  fmt::print("thread {} is running...\n", weft::this_thread_name());
  weft::thread const t("LoopThread", loop);
  co_await t.join();
  fmt::print("thread {} ended.\n", weft::this_thread_name());
}

int main() {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  return weft::run_main(app());
}
