// Tutorial, 5: one process puts values into a queue, another gets them, for ever.
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <random>
#include <string>

#include <fmt/core.h>
#include <weft/ipc.hpp>
#include <weft/process.hpp>
#include <weft/run.hpp>
#include <weft/time.hpp>

namespace ipc = weft::ipc;

weft::task<> put_values(ipc::queue_writer<std::string> queue) {
  fmt::print("Process to write: {}\n", ::getpid());
  std::random_device random;
  for (auto const* const value : {"A", "B", "C"}) {
    fmt::print("Put {} to queue...\n", value);
    co_await queue.put(value);
    co_await weft::sleep_for(
        std::chrono::duration<double>(std::uniform_real_distribution(0.1, 1.0)(random)));
  }
}

weft::task<> get_values(ipc::queue_reader<std::string> queue) {
  fmt::print("Process to read: {}\n", ::getpid());
  while (auto const value = co_await queue.get()) fmt::print("Get {} from queue.\n", *value);
}

weft::task<> app() {
  auto queue = ipc::make_queue<std::string>();
  auto writer = co_await weft::process::start(put_values, queue.writer);
  auto reader = co_await weft::process::start(get_values, queue.reader);
  co_await writer.join();
  reader.terminate();  // it would wait for ever, since we hold a writer still
  co_await reader.join();
}

int main() {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  return weft::run_main(app());
}
