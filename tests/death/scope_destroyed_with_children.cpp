// The frame that a task scope lives in is destroyed from inside, while two of its children run.
#include <weft/weft.hpp>

#include "own_handle.hpp"

namespace {

struct destroy {
  using weft_awaiter = void;

  std::coroutine_handle<> victim;

  [[nodiscard]] bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<>) const noexcept { victim.destroy(); }
  void await_resume() const noexcept {}
};

weft::task<> wait_for(weft::event& happened) { co_await happened.wait(); }

weft::task<> leave_children(weft::event& happened) {
  std::coroutine_handle<> self;
  co_await own_handle{self};
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    tasks.spawn(wait_for(happened));
    tasks.spawn(wait_for(happened));
    co_await weft::yield();
    co_await destroy{self};
  });
}

weft::task<> app() {
  weft::event happened;
  co_await leave_children(happened);
}

}  // namespace

int main() { weft::run(app()); }
