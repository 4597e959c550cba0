// Queues and pipes: within one process, between processes, and when one of them is killed.
#include "weft/ipc.hpp"

#include <algorithm>
#include <chrono>
#include <csignal>
#include <numeric>
#include <string>
#include <system_error>
#include <vector>

#include "support/backends.hpp"
#include "support/every_point.hpp"
#include "weft/process.hpp"
#include "weft/run.hpp"
#include "weft/scope.hpp"
#include "weft/timeout.hpp"

#include <doctest/doctest.h>

using namespace std::chrono_literals;
using support::run_on;
using weft::process;
namespace ipc = weft::ipc;

namespace {

weft::task<> put_numbers(ipc::queue_writer<int> to, int from, int until) {
  for (int n = from; n < until; ++n) co_await to.put(n);
}

weft::task<> put_for_ever(ipc::queue_writer<std::string> to) {
  for (;;) co_await to.put(std::string(5000, 'x'));
}

// Its exit code is 0 when it got the numbers below a hundred thousand, in their order.
weft::task<int> expect_numbers(ipc::queue_reader<int> from) {
  int expected = 0;
  while (auto const n = co_await from.get())
    if (*n != expected++) co_return 1;
  co_return expected == 100'000 ? 0 : 2;
}

}  // namespace

TEST_CASE_ON_REAL_BACKENDS("what is put into a queue comes out in its order") {
  run_on<On>([]() -> weft::task<> {
    auto queue = ipc::make_queue<std::string>();
    co_await queue.writer.put("A");
    co_await queue.writer.put("");
    co_await queue.writer.put("C");
    CHECK(co_await queue.reader.get() == "A");
    CHECK(co_await queue.reader.get() == "");
    CHECK(co_await queue.reader.get() == "C");
    queue.writer.close();
    CHECK_FALSE((co_await queue.reader.get()).has_value());
    CHECK_FALSE((co_await queue.reader.get()).has_value());
  }());
}

TEST_CASE_ON_REAL_BACKENDS("a get waits for a put, and a put for room") {
  run_on<On>([]() -> weft::task<> {
    auto queue = ipc::make_queue<std::string>();
    constexpr int count = 1000;
    std::string const large(10'000, 'x');
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([&]() -> weft::task<> {
        for (int i = 0; i < count; ++i) co_await queue.writer.put(large);
        queue.writer.close();
      });
      tasks.spawn([&]() -> weft::task<> {
        int got = 0;
        while (auto const text = co_await queue.reader.get()) got += *text == large ? 1 : 0;
        CHECK(got == count);
      });
      co_return;
    });
  }());
}

TEST_CASE_ON_REAL_BACKENDS("values of any size go through a queue") {
  auto const before = support::open_descriptors();
  run_on<On>([]() -> weft::task<> {
    auto queue = ipc::make_queue<std::string>();
    for (std::size_t const size : {65'531, 65'532, 65'533, 65'536, 1'000'000, 50'000'000}) {
      co_await queue.writer.put(std::string(size, 'y'));
      auto const got = co_await queue.reader.get();
      CHECK(got->size() == size);
      CHECK(std::ranges::count(*got, 'y') == static_cast<std::ptrdiff_t>(size));
    }
  }());
  CHECK(support::open_descriptors() == before);
}

TEST_CASE_ON_REAL_BACKENDS("many values share messages, and none is lost") {
  run_on<On>([]() -> weft::task<> {
    auto queue = ipc::make_queue<int>();
    std::vector<int> numbers(100'000);
    std::iota(numbers.begin(), numbers.end(), 0);
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([&]() -> weft::task<> {
        co_await queue.writer.put_all(numbers);
        queue.writer.close();
      });
      CHECK(co_await expect_numbers(std::move(queue.reader)) == 0);
    });
  }());
}

TEST_CASE_ON_REAL_BACKENDS("a queue connects processes") {
  run_on<On>([]() -> weft::task<> {
    auto queue = ipc::make_queue<int>();
    auto const writer = co_await process::start(put_numbers, std::move(queue.writer), 0, 100'000);
    auto const reader = co_await process::start(expect_numbers, std::move(queue.reader));
    CHECK(co_await writer.join() == 0);
    CHECK(co_await reader.join() == 0);
  }());
}

TEST_CASE_ON_REAL_BACKENDS(
    "a queue has as many writers and readers as there are copies of its ends") {
  run_on<On>([]() -> weft::task<> {
    auto queue = ipc::make_queue<int>();
    std::vector<process> writers;
    for (int i = 0; i < 4; ++i)
      writers.push_back(
          co_await process::start(put_numbers, queue.writer, i * 10'000, (i + 1) * 10'000));
    queue.writer.close();
    std::vector<int> got;
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      for (int i = 0; i < 3; ++i)
        tasks.spawn([](ipc::queue_reader<int> from, std::vector<int>& into) -> weft::task<> {
          while (auto const n = co_await from.get()) into.push_back(*n);
        }(queue.reader, got));
      co_return;
    });
    std::ranges::sort(got);
    CHECK(got.size() == 40'000);
    CHECK(got.front() == 0);
    CHECK(got.back() == 39'999);
    CHECK(std::ranges::adjacent_find(got) == got.end());
    for (auto const& writer : writers) CHECK(co_await writer.join() == 0);
  }());
}

TEST_CASE_ON_REAL_BACKENDS("a writer that is killed corrupts nothing") {
  run_on<On>([]() -> weft::task<> {
    for (int i = 0; i < 20; ++i) {
      auto queue = ipc::make_queue<std::string>();
      auto writer = co_await process::start(put_for_ever, std::move(queue.writer));
      int got = 0;
      while (auto const text = co_await queue.reader.get()) {
        CHECK(*text == std::string(5000, 'x'));
        if (++got == 100 + i) writer.kill();
      }
      CHECK(co_await writer.join() == -SIGKILL);
    }
  }());
}

TEST_CASE_ON_REAL_BACKENDS("a put that nobody can receive any more is an error") {
  run_on<On>([]() -> weft::task<> {
    auto queue = ipc::make_queue<int>();
    co_await queue.writer.put(1);
    queue.reader.close();
    for (int i = 0; i < 2; ++i) {
      int error = 0;
      try {
        co_await queue.writer.put(2);
      } catch (std::system_error const& failed) {
        error = failed.code().value();
      }
      CHECK(error == EPIPE);
    }
  }());
}

TEST_CASE_ON_REAL_BACKENDS("a pipe carries values both ways") {
  run_on<On>([]() -> weft::task<> {
    auto pipe = ipc::make_pipe<int>();
    auto const square = [](ipc::pipe_end<int> end) -> weft::task<> {
      while (auto const n = co_await end.get()) co_await end.put(*n * *n);
    };
    auto const child = co_await process::start(square, std::move(pipe.second));
    for (int const n : {3, 9541}) {
      co_await pipe.first.put(n);
      CHECK(co_await pipe.first.get() == n * n);
    }
    pipe.first.close();
    CHECK(co_await child.join() == 0);
  }());
}

TEST_CASE_ON_REAL_BACKENDS("an end of a queue cannot travel through a queue") {
  run_on<On>([]() -> weft::task<> {
    auto queue = ipc::make_queue<ipc::queue_writer<int>>();
    auto other = ipc::make_queue<int>();
    CHECK_THROWS_WITH_AS(
        co_await queue.writer.put(other.writer),
        "weft: an end of a queue or pipe travels as an argument of process::start only",
        std::logic_error);
  }());
}

TEST_CASE_ON_REAL_BACKENDS("a get that runs out of time loses no value") {
  run_on<On>([]() -> weft::task<> {
    auto queue = ipc::make_queue<int>();
    for (int i = 0; i < 3; ++i)
      CHECK_THROWS_AS(co_await weft::with_timeout(1ms, queue.reader.get()), weft::timed_out);
    co_await queue.writer.put(5);
    CHECK(co_await queue.reader.get() == 5);
  }());
}

TEST_CASE_ON_REAL_BACKENDS("putting and getting can be cancelled at every point") {
  support::cancel_at_every_point<On>([]() -> weft::task<> {
    auto queue = ipc::make_queue<std::string>();
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      tasks.spawn([&]() -> weft::task<> {
        for (int i = 0; i < 4; ++i) co_await queue.writer.put(std::string(70'000, 'x'));
        queue.writer.close();
      });
      int got = 0;
      while ((co_await queue.reader.get()).has_value()) ++got;
      support::expect(got == 4);
    });
  });
}
