// Two tasks await next() of one generator at once: a debug build aborts. A release build throws
// std::logic_error in the second, and the first goes on.
#include <weft/weft.hpp>

#include <cstdio>
#include <stdexcept>
#include <string_view>

namespace {

weft::generator<int> after(weft::event& released) {
  co_await released.wait();
  co_yield 7;
}

weft::task<> take_the_value(weft::generator<int>& from) {
  if (co_await from.next() != 7) throw std::runtime_error("the first next() did not get the value");
}

weft::task<bool> app() {
  weft::event released;
  auto values = after(released);
  bool refused = false;
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    tasks.spawn(take_the_value(values));
    co_await weft::yield();
    try {
      co_await take_the_value(values);
    } catch (std::logic_error const& error) {
      std::fprintf(stderr, "%s\n", error.what());
      refused = std::string_view(error.what()).starts_with("weft: two tasks in next() ");
    }
    released.set();
  });
  co_return refused;
}

}  // namespace

int main() { return weft::run(app()) ? 0 : 1; }
