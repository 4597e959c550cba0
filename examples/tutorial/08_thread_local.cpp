// Tutorial, 8: what belongs to one thread, and what belongs to one task.
#include <cstdio>
#include <string>
#include <utility>

#include <fmt/core.h>
#include <weft/run.hpp>
#include <weft/scope.hpp>
#include <weft/task_local.hpp>
#include <weft/this_task.hpp>
#include <weft/thread.hpp>

thread_local std::string local_student;

void process_student() {
  fmt::print("Hello, {} (in {})\n", local_student, weft::this_thread_name());
}

void process_thread(std::string name) {
  local_student = std::move(name);
  process_student();
}

// All tasks of a loop are on one thread, so what belongs to a task needs another kind of variable.
weft::task_local<std::string> student_of_task;

weft::task<> process_student_of_task(std::string task) {
  co_await weft::yield();  // others run here, with students of their own
  fmt::print("Hello, {} (in {})\n", student_of_task.get(), task);
}

weft::task<> app() {
  weft::thread const t1("Thread-A", process_thread, "Alice");
  weft::thread const t2("Thread-B", process_thread, "Bob");
  co_await t1.join();
  co_await t2.join();

  co_await weft::scope([](weft::task_scope& tasks) -> weft::task<> {
    tasks.spawn(student_of_task.with("Carol", process_student_of_task("Task-A")));
    tasks.spawn(student_of_task.with("Dave", process_student_of_task("Task-B")));
    co_return;
  });
}

int main() {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  return weft::run_main(app());
}
