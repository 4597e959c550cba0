// One task replaces a generator while another awaits its next value, which waits at an event.
#include <weft/weft.hpp>

namespace {

weft::generator<int> one_per_event(weft::event& happened) {
  co_await happened.wait();  // the line
  co_yield 1;
}

weft::task<> take_all(weft::generator<int>& numbers) {
  while (co_await numbers.next()) continue;
}

weft::task<> app() {
  weft::event happened;
  auto numbers = one_per_event(happened);
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    tasks.spawn(take_all(numbers));
    co_await weft::yield();
    numbers = weft::generator<int>();
  });
}

}  // namespace

int main() { weft::run(app()); }
