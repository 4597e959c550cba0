// A thread spawns into a task scope of a loop that is not its own.
#include <weft/weft.hpp>

#include <thread>

namespace {

weft::task<> do_nothing() { co_return; }

weft::task<> app() {
  co_await weft::scope([](weft::task_scope& tasks) -> weft::task<> {
    std::thread([&] { tasks.spawn(do_nothing()); }).join();
    co_return;
  });
}

}  // namespace

int main() { weft::run(app()); }
