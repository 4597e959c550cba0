// How long a task may hold the loop: what the program, the environment and the build say.
#include "stall_threshold.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <cstdlib>
#include <optional>
#include <stdexcept>
#include <string>

#include "weft/run.hpp"
#include "weft/time.hpp"

using namespace std::chrono_literals;
using weft::detail::stall_threshold;

namespace {

// What WEFT_STALL says while this lives.
class environment {
 public:
  explicit environment(char const* value) {
    if (char const* const set = std::getenv("WEFT_STALL")) before_ = set;
    ::setenv("WEFT_STALL", value, 1);
  }
  environment(environment const&) = delete;
  environment& operator=(environment const&) = delete;
  ~environment() {
    if (before_)
      ::setenv("WEFT_STALL", before_->c_str(), 1);
    else
      ::unsetenv("WEFT_STALL");
  }

 private:
  std::optional<std::string> before_;
};

std::chrono::nanoseconds read(char const* value) {
  environment const set(value);
  return stall_threshold(std::nullopt);
}

}  // namespace

TEST_CASE("WEFT_STALL takes durations in seconds, milliseconds and microseconds, and off") {
  CHECK(read("50ms") == 50ms);
  CHECK(read("1s") == 1s);
  CHECK(read("500us") == 500us);
  CHECK(read("1000000000s") == 1'000'000'000s);
  CHECK(read("off") == 0ns);
}

TEST_CASE("an empty WEFT_STALL is none") {
#ifdef NDEBUG
  CHECK(read("") == 0ns);
#else
  CHECK(read("") == 50ms);
#endif
}

TEST_CASE("a WEFT_STALL that says nothing is an error that says what is accepted") {
  for (char const* const wrong : {"50", "ms", "0ms", "-5ms", "1m", "50 ms", "50ms ", "on", "Off",
                                  "1000000001s", "99999999999999999999s", "1.5s", "+5ms"}) {
    CAPTURE(wrong);
    CHECK_THROWS_WITH_AS(read(wrong),
                         (std::string("WEFT_STALL=") + wrong +
                          ": that is no duration; use one like 50ms, 1s or 500us, or off")
                             .c_str(),
                         std::invalid_argument);
  }
}

TEST_CASE("what the program says counts more than WEFT_STALL") {
  environment const set("nonsense");
  CHECK(stall_threshold(0ns) == 0ns);
  CHECK(stall_threshold(3s) == 3s);
  weft::run([]() -> weft::task<> { co_await weft::sleep_for(1us); }(), {.stall_threshold = 0ns});
  CHECK_THROWS_AS(weft::run([]() -> weft::task<> { co_return; }()), std::invalid_argument);
}
