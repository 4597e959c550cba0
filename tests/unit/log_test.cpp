// The log hook, and what the library says through it.
#include "weft/log.hpp"

#include <doctest/doctest.h>

#include <unistd.h>

#include <string>
#include <vector>

#include "support/backends.hpp"
#include "weft/error.hpp"
#include "weft/event.hpp"

using support::run_on;
using support::simulated;

namespace {

struct message {
  weft::log_level level;
  std::string text;
};
std::vector<message> messages;

void keep(weft::log_level level, std::string_view text) noexcept {
  messages.push_back({level, std::string(text)});
}

// Keeps the messages while it lives.
class kept_log {
 public:
  kept_log() : before_(weft::set_log_hook(keep)) { messages.clear(); }
  ~kept_log() { weft::set_log_hook(before_); }
  kept_log(kept_log const&) = delete;
  kept_log& operator=(kept_log const&) = delete;

 private:
  weft::log_hook before_;
};

}  // namespace

TEST_CASE("the hook receives level and message, and setting another returns it") {
  kept_log const kept;
  weft::log(weft::log_level::warning, "careful");
  REQUIRE(messages.size() == 1);
  CHECK(messages[0].level == weft::log_level::warning);
  CHECK(messages[0].text == "careful");
  bool const returned = weft::set_log_hook(keep) == &keep;
  CHECK(returned);
}

TEST_CASE("null brings back the default, which writes one line to stderr") {
  kept_log const kept;
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  int const stderr_before = ::dup(STDERR_FILENO);
  ::dup2(ends[1], STDERR_FILENO);
  weft::set_log_hook(nullptr);
  weft::log(weft::log_level::info, "one");
  weft::log(weft::log_level::error, "two\n");
  ::dup2(stderr_before, STDERR_FILENO);
  ::close(stderr_before);
  ::close(ends[1]);
  char buffer[64];
  auto const size = ::read(ends[0], buffer, sizeof buffer);
  ::close(ends[0]);
  REQUIRE(size > 0);
  CHECK(std::string(buffer, static_cast<std::size_t>(size)) == "one\ntwo\n");
  CHECK(messages.empty());
}

TEST_CASE("a deadlock is reported with the dump, as an error") {
  kept_log const kept;
  bool thrown = false;
  try {
    run_on<simulated>([]() -> weft::task<> {
      weft::event never;
      co_await never.wait();
    }());
  } catch (weft::deadlock const&) {
    thrown = true;
  }
  CHECK(thrown);
  REQUIRE(messages.size() == 1);
  CHECK(messages[0].level == weft::log_level::error);
  CHECK(messages[0].text.find("deadlock") != std::string::npos);
  CHECK(messages[0].text.find("root: waiting") != std::string::npos);
  CHECK(messages[0].text.find("log_test.cpp") != std::string::npos);
}

TEST_CASE("what goes well is not mentioned") {
  kept_log const kept;
  run_on<simulated>([]() -> weft::task<> { co_return; }());
  CHECK(messages.empty());
}
