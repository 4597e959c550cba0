// A child process does not end before the task that waits for it. The child itself ends with its
// input, so nothing is left of it.
#include <weft/weft.hpp>

#include <optional>

namespace {

weft::task<> wait_for(weft::child_process& child) { co_await child.wait(); }

weft::task<> app() {
  std::optional<weft::child_process> child(weft::command("cat").spawn());
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    tasks.spawn(wait_for(*child));
    co_await weft::yield();
    child.reset();
  });
}

}  // namespace

int main() { weft::run(app()); }
