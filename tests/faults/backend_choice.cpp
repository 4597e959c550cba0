// WEFT_BACKEND names the backend; what it names and cannot be had is an error in one line.
#include <sys/syscall.h>

#include <cerrno>
#include <cstdlib>
#include <stdexcept>
#include <system_error>

#include <weft/weft.hpp>

#include "refuse_calls.hpp"
#include "require.hpp"

namespace {

weft::task<> on_epoll_as_asked_for() {
  require_says(weft::this_loop::backend_name(), "epoll");
  require_says(weft::this_loop::backend_reason(), "asked for");
  co_return;
}

weft::task<> do_nothing() { co_return; }

template <class Error>
std::string error_of_run() {
  try {
    weft::run(do_nothing());
  } catch (Error const& error) {
    return error.what();
  }
  return "no error";
}

void check() {
  ::setenv("WEFT_BACKEND", "epoll", 1);
  weft::run(on_epoll_as_asked_for());
  weft::run(on_epoll_as_asked_for(), {.backend = weft::backend_kind::uring});

  ::setenv("WEFT_BACKEND", "nonsense", 1);
  auto const error = error_of_run<std::invalid_argument>();
  require_says(error, "WEFT_BACKEND=nonsense: there is no such backend");
  require(error.find('\n') == error.npos, "the error takes more than one line");
  require(weft::run_main(do_nothing()) == 1, "run_main did not yield 1");
}

// With neither backend to be had, the error names the call that failed last.
bool check_without_any() {
  ::unsetenv("WEFT_BACKEND");
  if (!refuse_calls({SYS_io_uring_setup, SYS_epoll_create1}, EMFILE)) return false;
  require_says(error_of_run<std::system_error>(), "epoll_create1: Too many open files");
  if (!refuse_calls({SYS_eventfd2}, EMFILE)) return false;
  require_says(error_of_run<std::system_error>(), "eventfd: Too many open files");
  return true;
}

}  // namespace

int main() {
  try {
    check();
    return check_without_any() ? 0 : 77;
  } catch (std::exception const& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
