// A thread sets an event of a loop that is not its own, instead of using a remote sender.
#include <weft/weft.hpp>

#include <thread>

namespace {

weft::task<> wait_for(weft::event& happened) { co_await happened.wait(); }

weft::task<> app() {
  weft::event happened;
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    tasks.spawn(wait_for(happened));
    co_await weft::yield();
    std::thread([&] { happened.set(); }).join();
  });
}

}  // namespace

int main() { weft::run(app()); }
