// Where no thread can be started, a blocking call throws std::system_error and the loop goes on.
// With the threads there are, all calls are made, if later.
// Usage: refused_threads none | more; ASan's leak check starts a thread, so it must be off.
#include <sys/syscall.h>

#include <cerrno>
#include <chrono>
#include <string_view>
#include <system_error>
#include <thread>

#include <weft/weft.hpp>

#include "refuse_calls.hpp"
#include "require.hpp"

namespace {

using namespace std::chrono_literals;

int answer() {
  std::this_thread::sleep_for(1ms);
  return 42;
}

bool refuse_threads() { return refuse_calls({SYS_clone, SYS_clone3}, EAGAIN); }

weft::task<bool> work_without_threads() {
  if (!refuse_threads()) co_return false;
  for (int i = 0; i < 3; ++i) {
    std::error_code error;
    try {
      co_await weft::blocking(answer);
    } catch (std::system_error const& refused) {
      error = refused.code();
    }
    require(error == std::errc::resource_unavailable_try_again, "blocking did not throw EAGAIN");
    co_await weft::sleep_for(1ms);
  }
  co_return true;
}

weft::task<bool> work_with_one_thread() {
  require(co_await weft::blocking(answer) == 42, "the first call failed");
  if (!refuse_threads()) co_return false;
  int done = 0;
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    for (int i = 0; i < 6; ++i)
      tasks.spawn([&done]() -> weft::task<> { done += co_await weft::blocking(answer) == 42; });
    co_return;
  });
  require(done == 6, "a call was lost");
  co_return true;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    bool const none = count == 2 && arguments[1] == std::string_view("none");
    return weft::run(none ? work_without_threads() : work_with_one_thread()) ? 0 : 77;
  } catch (std::exception const& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
