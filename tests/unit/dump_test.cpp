// The dump: who waits for what, where and for how long, for people and for programs.
#include "weft/dump.hpp"

#include <doctest/doctest.h>

#include <cctype>
#include <chrono>
#include <cstddef>
#include <source_location>
#include <string>
#include <string_view>

#include "support/backends.hpp"
#include "weft/event.hpp"
#include "weft/mutex.hpp"
#include "weft/scope.hpp"
#include "weft/this_task.hpp"
#include "weft/time.hpp"

using namespace std::chrono_literals;
using support::run_on;
using support::simulated;

namespace {

unsigned waiting_line = 0;  // of the innermost await below

weft::task<> wait_for(weft::event& awaited) {
  waiting_line = std::source_location::current().line() + 1;
  co_await awaited.wait();
}

weft::task<> wait_through(weft::event& awaited) { co_await wait_for(awaited); }

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::string at(unsigned line) { return "dump_test.cpp:" + std::to_string(line); }

// Reads one JSON value (RFC 8259) and nothing behind it.
class json_check {
 public:
  static bool valid(std::string_view text) {
    json_check check(text);
    bool const good = check.value();
    check.space();
    return good && check.rest_.empty();
  }

 private:
  explicit json_check(std::string_view text) : rest_(text) {}

  void space() {
    while (!rest_.empty() && (rest_[0] == ' ' || rest_[0] == '\n')) rest_.remove_prefix(1);
  }
  bool take(char expected) {
    space();
    if (rest_.empty() || rest_[0] != expected) return false;
    rest_.remove_prefix(1);
    return true;
  }
  bool value() {
    space();
    if (rest_.empty()) return false;
    if (rest_[0] == '{') return list('{', '}', true);
    if (rest_[0] == '[') return list('[', ']', false);
    if (rest_[0] == '"') return string();
    return number();
  }
  bool list(char open, char close, bool with_keys) {
    if (!take(open)) return false;
    if (take(close)) return true;
    do
      if ((with_keys && !(string() && take(':'))) || !value()) return false;
    while (take(','));
    return take(close);
  }
  bool string() {
    if (!take('"')) return false;
    while (!rest_.empty() && rest_[0] != '"') {
      if (static_cast<unsigned char>(rest_[0]) < 0x20) return false;
      std::size_t const length = rest_[0] != '\\' ? 1 : rest_.starts_with("\\u") ? 6 : 2;
      if (rest_.size() < length) return false;
      rest_.remove_prefix(length);
    }
    return take('"');
  }
  bool number() {
    std::size_t length = 0;
    while (length < rest_.size() && (std::isdigit(static_cast<unsigned char>(rest_[length])) != 0 ||
                                     rest_[length] == '.' || rest_[length] == '-'))
      ++length;
    rest_.remove_prefix(length);
    return length != 0;
  }

  std::string_view rest_;
};

}  // namespace

TEST_CASE("where no loop runs there is nothing to describe") {
  CHECK(weft::dump() == "no loop runs on this thread\n");
  CHECK(weft::dump(weft::dump_format::json) == "[]\n");
}

TEST_CASE("the text names each task, its state, its spawn site and every await down to the last") {
  run_on<simulated>([]() -> weft::task<> {
    weft::event blocked;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      unsigned const spawned = std::source_location::current().line() + 1;
      tasks.spawn(wait_through(blocked)).name("patient");
      co_await weft::sleep_for(1500ms);
      auto const text = weft::dump();
      CAPTURE(text);
      CHECK(contains(text, "2 tasks\n"));
      CHECK(contains(text, "\nroot: running\n"));
      CHECK(contains(text, "\n  patient: waiting 1.500 s for event, spawned at "));
      CHECK(contains(text, at(spawned)));
      auto const outer = text.find(" in ", text.find("wait_through"));
      auto const inner = text.find(at(waiting_line));
      CHECK(text.find("wait_through") < inner);
      CHECK(inner != std::string::npos);
      CHECK(outer != std::string::npos);
      blocked.set();
    });
  }());
}

TEST_CASE("a task that is ready or has not begun is said to be ready") {
  run_on<simulated>([]() -> weft::task<> {
    weft::event set_now;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn(wait_for(set_now)).name("first");
      co_await weft::yield();
      set_now.set();
      tasks.spawn(wait_for(set_now)).name("second");
      auto const text = weft::dump();
      CAPTURE(text);
      CHECK(contains(text, "first: ready"));
      CHECK(contains(text, "second: ready"));
    });
  }());
}

TEST_CASE("children are listed below their parents, whichever scopes lie between") {
  run_on<simulated>([]() -> weft::task<> {
    weft::name_this_task("top");
    co_await weft::scope([](weft::task_scope& outer) -> weft::task<> {
      outer
          .spawn([]() -> weft::task<> {
            co_await weft::scope([](weft::task_scope& inner) -> weft::task<> {
              inner.spawn([]() -> weft::task<> { co_await weft::sleep_for(1h); }).name("leaf");
              co_return;
            });
          })
          .name("branch");
      co_await weft::sleep_for(1ms);
      auto const text = weft::dump();
      CAPTURE(text);
      auto const top = text.find("\ntop: ");
      auto const branch = text.find("\n  branch: waiting 0.001 s for scope: 1 task");
      auto const leaf = text.find("\n    leaf: waiting 0.001 s for sleep, 3599.999 s left");
      CHECK(top < branch);
      CHECK(branch < leaf);
      CHECK(leaf != std::string::npos);
      outer.cancel();
    });
  }());
}

TEST_CASE("the JSON holds the same, and parses whatever the names are") {
  run_on<simulated>([]() -> weft::task<> {
    weft::mutex taken;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto const lock = co_await taken.lock();
      tasks.spawn([&]() -> weft::task<> { auto const own = co_await taken.lock(); })
          .name("a \"quoted\\\" name\n\t\x01 \xc3\xa9");
      co_await weft::sleep_for(2s);
      auto const json = weft::dump(weft::dump_format::json);
      CAPTURE(json);
      CHECK(json_check::valid(json));
      CHECK(contains(json, R"("name":"root")"));
      CHECK(contains(json, R"("state":"running")"));
      CHECK(contains(json, R"("name":"a \"quoted\\\" name\u000a\u0009\u0001 )"));
      CHECK(contains(json, R"("state":"waiting")"));
      CHECK(contains(json, R"("waits_for":"mutex")"));
      CHECK(contains(json, R"("depth":1)"));
      CHECK(contains(json, R"("seconds":2.00000)"));
      CHECK(contains(json, "dump_test.cpp"));
    });
  }());
  CHECK(json_check::valid("[]"));
  CHECK_FALSE(json_check::valid("[1,]"));
  CHECK_FALSE(json_check::valid("{\"a\" 1}"));
}

TEST_CASE_ON_EVERY_BACKEND("dumping resumes nobody and changes nothing") {
  run_on<On>([]() -> weft::task<> {
    weft::event blocked;
    bool resumed = false;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([&]() -> weft::task<> {
        co_await wait_through(blocked);
        resumed = true;
      });
      co_await weft::yield();
      for (int i = 0; i < 3; ++i) CHECK(contains(weft::dump(), "for event"));
      CHECK_FALSE(resumed);
      blocked.set();
    });
    CHECK(resumed);
  }());
}
