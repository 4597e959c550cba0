// Commands by the thousand, conversations of many megabytes, and what a start costs a large parent.
#include <sys/mman.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <string>
#include <vector>

#include "support/backends.hpp"
#include "support/bytes.hpp"
#include "support/foreign.hpp"
#include "weft/scope.hpp"
#include "weft/stream.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using support::foreign;
using support::pattern;
using support::run_on;

namespace {

constexpr std::size_t much = 64 << 20;
constexpr int commands = 10'000;
constexpr int at_once = 100;

// Anonymous memory, every page of it touched.
class resident {
 public:
  explicit resident(std::size_t bytes)
      : size_(bytes),
        memory_(
            ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)) {
    REQUIRE(memory_ != MAP_FAILED);
    std::memset(memory_, 1, size_);
  }
  resident(resident const&) = delete;
  resident& operator=(resident const&) = delete;
  ~resident() { ::munmap(memory_, size_); }

 private:
  std::size_t size_;
  void* memory_;
};

// The median of the microseconds that a command takes, from its start to its status.
weft::task<double> cost_of_one() {
  using microseconds = std::chrono::duration<double, std::micro>;
  std::vector<double> taken;
  for (int i = 0; i < 101; ++i) {
    auto const begin = std::chrono::steady_clock::now();
    CHECK((co_await foreign("exit", "0").status()).success());
    taken.push_back(microseconds(std::chrono::steady_clock::now() - begin).count());
  }
  std::ranges::sort(taken);
  co_return taken[taken.size() / 2];
}

}  // namespace

TEST_CASE_ON_REAL_BACKENDS("64 MiB flow in, out and to stderr at once, however they are read") {
  auto const text = pattern(much);
  auto const size = std::to_string(much);
  for (auto const& with :
       {foreign("copy"), foreign("early", size, size), foreign("late", size, size),
        foreign("closes", size), foreign("deaf", size)}) {
    auto const got = run_on<On>(with.communicate(text));
    CHECK(got.status.to_string() == "exit code 0");
    CHECK((got.out == text));
    CHECK((got.err == text));
    CHECK_FALSE(got.cut);
  }
}

TEST_CASE_ON_REAL_BACKENDS("10,000 commands, 100 at a time: nothing leaks into them or from them") {
  auto const before = support::open_descriptors();
  int wrong = 0;
  auto const begin = std::chrono::steady_clock::now();
  run_on<On>([&]() -> weft::task<> {
    auto const passed = weft::make_pipe();
    int const number = passed.read.get();
    int left = commands;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (int i = 0; i < at_once; ++i)
        tasks.spawn([&]() -> weft::task<> {
          while (left-- > 0) {
            bool const passes = left % 2 == 0;
            auto listing = foreign("descriptors");
            if (passes) listing.pass(number);
            auto const got = co_await listing.communicate("ignored");
            auto const expected = passes ? "0 1 2 " + std::to_string(number) + " " : "0 1 2 ";
            wrong += !got.status.success() || got.out != expected || !got.err.empty() || got.cut;
          }
        });
      co_return;
    });
  }());
  MESSAGE(
      "microseconds for one: ",
      std::chrono::duration<double, std::micro>(std::chrono::steady_clock::now() - begin).count() /
          commands);
  CHECK(wrong == 0);
  CHECK(support::open_descriptors() == before);
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);  // no zombies
}

// How long it takes is only told.
TEST_CASE_ON_REAL_BACKENDS("a command costs a large parent what it costs a small one") {
  run_on<On>([]() -> weft::task<> {
    std::array<double, 2> best{1e9, 1e9};  // of several rounds: other programs disturb some
    for (int round = 0; round < 8; ++round) {
      best[0] = std::min(best[0], co_await cost_of_one());
      resident const gigabyte(std::size_t{1} << 30);
      best[1] = std::min(best[1], co_await cost_of_one());
    }
    MESSAGE("microseconds from a small parent: ", best[0], "; with 1 GiB more resident: ", best[1],
            "; ratio: ", best[1] / best[0]);
  }());
}
