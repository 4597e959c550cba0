// A thread closes a descriptor on which a task of a loop is reading.
#include <weft/weft.hpp>

#include <array>
#include <thread>

namespace {

weft::task<> read_one(weft::descriptor& from) {
  std::array<std::byte, 1> buffer{};
  co_await from.read_some(buffer);
}

weft::task<> app() {
  auto pipe = weft::make_pipe();
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    tasks.spawn(read_one(pipe.read));
    co_await weft::yield();
    std::thread([&] { pipe.read.close(); }).join();
  });
}

}  // namespace

int main() { weft::run(app()); }
