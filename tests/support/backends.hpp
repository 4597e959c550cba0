// The backends that a test case is run on, as types for TEST_CASE_TEMPLATE, and how to run a task
// on one of them.
#pragma once

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

}  // namespace support

// The same case on every backend.
#define TEST_CASE_ON_EVERY_BACKEND(sentence) \
  TEST_CASE_TEMPLATE(sentence, On, ::support::uring, ::support::epoll, ::support::simulated)
