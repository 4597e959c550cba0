// An event does not outlive the task that waits for it.
#include <weft/weft.hpp>

#include <optional>

namespace {

weft::task<> wait_for(weft::event& happened) { co_await happened.wait(); }

weft::task<> app() {
  std::optional<weft::event> happened(std::in_place);
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    tasks.spawn(wait_for(*happened));
    co_await weft::yield();
    happened.reset();
  });
}

}  // namespace

int main() { weft::run(app()); }
