// The backends that a test case is run on, how to run a task on one of them, and cases that are run
// on several. Such a case is compiled once; which backend it runs on is known when it runs.
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <utility>

#include "backend.hpp"
#include "loop.hpp"
#include "weft/task.hpp"

namespace support {

using weft::detail::chosen_backend;

// io_uring with the settings that the environment asks for, so that the same cases also run with a
// tiny ring, without each set-up flag and without the opcodes: WEFT_TEST_RING=SQ,CQ,
// WEFT_TEST_WITHOUT_FLAGS=MASK and WEFT_TEST_WITHOUT_OPCODES=1.
struct uring {
  static chosen_backend make(int wake_fd);
};

struct epoll {
  static chosen_backend make(int wake_fd);
};

// No kernel but for descriptors: a virtual clock that jumps to the next deadline, so that nothing
// ever waits for time.
struct simulated {
  static chosen_backend make(int wake_fd);
};

using make_backend = chosen_backend (*)(int wake_fd);

// The backend that the running case is on.
class current {
 public:
  static chosen_backend make(int wake_fd) { return make_(wake_fd); }

  template <class Backend>
  static bool is() {
    return make_ == &Backend::make;
  }

  template <class Backend>
  static void run(void (*test_case)()) {
    make_ = &Backend::make;
    test_case();
  }

 private:
  static inline make_backend make_ = nullptr;
};

// Runs the task on a new loop with the backend, and yields its value. `after_resume` is called
// after every resume, with all chains suspended.
template <class On, class T>
T run_on(weft::task<T> root, std::function<void()> after_resume = {}) {
  auto frame = weft::detail::task_access::release(std::move(root));
  weft::detail::run_root_on(frame,
                            {.make_backend = &On::make, .after_resume = std::move(after_resume)});
  return static_cast<weft::detail::task_promise<T>*>(frame.get())->take();
}

// How many descriptors this process has open.
std::size_t open_descriptors();

// Waits until it has no more than so many; false after 10 s. A thread that has told a loop of
// something may hold the loop's descriptor a moment longer than the loop lives.
bool descriptors_fall_to(std::size_t number);

}  // namespace support

// In the cases below, the one that the case is on.
using On = support::current;

#define TEST_CASE_ON_EVERY_BACKEND(sentence) \
  TEST_CASE_ON(sentence, ::support::uring, ::support::epoll, ::support::simulated)

#define TEST_CASE_ON_REAL_BACKENDS(sentence) \
  TEST_CASE_ON(sentence, ::support::uring, ::support::epoll)

#define TEST_CASE_ON(sentence, ...) \
  TEST_CASE_ON_CALLED(sentence, DOCTEST_ANONYMOUS(test_case_on_), __VA_ARGS__)

#define TEST_CASE_ON_CALLED(sentence, test_case, ...)  \
  static void test_case();                             \
  TEST_CASE_TEMPLATE(sentence, Backend, __VA_ARGS__) { \
    ::support::current::run<Backend>(test_case);       \
  }                                                    \
  static void test_case()
