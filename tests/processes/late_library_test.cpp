// A function of a library that was loaded after the fork server had started is in no child.
#include <dlfcn.h>

#include <stdexcept>
#include <string>

#include "support/backends.hpp"
#include "weft/process.hpp"
#include "weft/process_pool.hpp"
#include "weft/run.hpp"

#include <doctest/doctest.h>

using support::run_on;

namespace {

using function = int (*)();

void expect_refusal(std::string const& said) {
  CHECK(said.starts_with("weft: a child process cannot call a function of "));
  CHECK(said.find("late_library") != std::string::npos);
  CHECK(
      said.ends_with("which was loaded after the fork server had started; load it before "
                     "weft::start_fork_server()"));
}

}  // namespace

TEST_CASE_ON_REAL_BACKENDS("a function of a library that was loaded late is refused by name") {
  weft::start_fork_server();
  void* const library = ::dlopen(WEFT_LATE_LIBRARY, RTLD_NOW);
  REQUIRE(library != nullptr);
  auto const late = reinterpret_cast<function>(::dlsym(library, "late_function"));
  REQUIRE(late() == 7);
  run_on<On>([](function called) -> weft::task<> {
    try {
      auto const child = co_await weft::process::start(called);
      FAIL_CHECK("it was started");
    } catch (std::logic_error const& error) {
      expect_refusal(error.what());
    }
    weft::process_pool pool(1);
    try {
      co_await pool.run(called);
      FAIL_CHECK("it ran");
    } catch (std::logic_error const& error) {
      expect_refusal(error.what());
    }
    CHECK(co_await pool.run([] { return 3; }) == 3);
  }(late));
  ::dlclose(library);
}
