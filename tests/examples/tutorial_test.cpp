// The tutorial's programs print what the tutorial says, and the text shows the programs that are
// built.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <regex>
#include <string>
#include <vector>

#include "support/program.hpp"

#include <doctest/doctest.h>

using support::example;
using support::program;

namespace {

std::string output_of(std::string const& chapter) {
  auto const ended = program(example("tutorial/" + chapter), {}).wait();
  CHECK(ended.code == 0);
  CHECK(ended.err.empty());
  return ended.out;
}

std::vector<std::string> lines_of(std::string const& text) {
  std::vector<std::string> lines;
  for (std::size_t from = 0; from < text.size();) {
    auto const end = std::min(text.find('\n', from), text.size());
    lines.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  return lines;
}

// Numbers of processes and times aside.
void expect(std::string const& text, std::string const& pattern) {
  CAPTURE(text);
  CAPTURE(pattern);
  CHECK(std::regex_match(text, std::regex(pattern)));
}

// In whatever order.
void expect_lines(std::string const& text, std::vector<std::string> wanted) {
  auto lines = lines_of(text);
  std::ranges::sort(lines);
  std::ranges::sort(wanted);
  CHECK(lines == wanted);
}

std::string content_of(std::filesystem::path const& path) {
  std::ifstream file(path);
  REQUIRE(file);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("01_fork: a parent and its child") {
  auto const text = output_of("01_fork");
  std::smatch numbers;
  REQUIRE(std::regex_search(text, numbers, std::regex("created a child process \\((\\d+)\\)")));
  auto const child = numbers[1].str();
  REQUIRE(std::regex_search(text, numbers, std::regex("^Process \\((\\d+)\\) start")));
  auto const parent = numbers[1].str();
  expect_lines(text, {"Process (" + parent + ") start...",
                      "I (" + parent + ") just created a child process (" + child + ").",
                      "I am child process (" + child + ") and my parent is " + parent + "."});
}

TEST_CASE("02_process: a function in a process") {
  expect(output_of("02_process"),
         "Parent process \\d+\\.\n"
         "Child process will start\\.\n"
         "Run child process test \\(\\d+\\)\\.\\.\\.\n"
         "Child process end\\.\n");
}

TEST_CASE("03_pool: five tasks on four processes") {
  auto const lines = lines_of(output_of("03_pool"));
  REQUIRE(lines.size() == 13);
  expect(lines[0], "Parent process \\d+\\.");
  CHECK(std::ranges::count(lines, "Waiting for all subprocesses done...") == 1);
  for (int task = 0; task < 5; ++task) {
    std::regex const begins("Run task " + std::to_string(task) + " \\(\\d+\\)\\.\\.\\.");
    std::regex const ends("Task " + std::to_string(task) + " runs \\d\\.\\d\\d seconds\\.");
    auto const matches = [](std::regex const& pattern) {
      return [&pattern](std::string const& line) { return std::regex_match(line, pattern); };
    };
    CHECK(std::ranges::count_if(lines, matches(begins)) == 1);
    CHECK(std::ranges::count_if(lines, matches(ends)) == 1);
  }
  // The fifth begins when one of the others has ended.
  auto const is_fifth = [](auto const& line) { return line.starts_with("Run task 4"); };
  auto const has_ended = [](auto const& line) { return line.starts_with("Task "); };
  CHECK(std::ranges::find_if(lines, has_ended) < std::ranges::find_if(lines, is_fifth));
  CHECK(lines.back() == "All subprocesses done.");
}

TEST_CASE("04_command: another program, run and spoken with") {
  auto const text = output_of("04_command");
  CHECK(text.starts_with("(with "));
  CHECK(text.find("\n$ nslookup www.python.org\n") != text.npos);
  CHECK(text.find("dualstack.python.map.fastly.net") != text.npos);
  CHECK(text.find("\nExit code: 0\n$ nslookup\n") != text.npos);
  CHECK(text.find("mail exchanger") != text.npos);
  CHECK(text.ends_with("\nExit code: 0\n"));
}

TEST_CASE("05_queue: a writer, and a reader that is terminated") {
  auto const lines = lines_of(output_of("05_queue"));
  REQUIRE(lines.size() == 8);
  auto const place = [&](std::string const& line) { return std::ranges::find(lines, line); };
  for (std::string const letter : {"A", "B", "C"}) {
    CHECK(place("Get " + letter + " from queue.") != lines.end());
    CHECK(place("Put " + letter + " to queue...") < place("Get " + letter + " from queue."));
  }
  CHECK(place("Get A from queue.") < place("Get B from queue."));
  CHECK(place("Get B from queue.") < place("Get C from queue."));
}

TEST_CASE("06_threads: a thread with a name") {
  std::string expected = "thread MainThread is running...\nthread LoopThread is running...\n";
  for (int n = 1; n <= 5; ++n) expected += "thread LoopThread >>> " + std::to_string(n) + "\n";
  expected += "thread LoopThread ended.\nthread MainThread ended.\n";
  CHECK(output_of("06_threads") == expected);
}

TEST_CASE("07_lock: without a lock the sum is wrong, with it right") {
  auto const text = output_of("07_lock");
  expect(text,
         "two threads without a lock: -?[1-9]\\d*, where 0 would be right\n"
         "two threads with a lock: 0\n"
         "two tasks without a lock: 1, where 2 would be right\n"
         "two tasks with a lock: 2\n");
}

TEST_CASE("08_thread_local: each thread and each task has its own") {
  expect_lines(output_of("08_thread_local"),
               {"Hello, Alice (in Thread-A)", "Hello, Bob (in Thread-B)",
                "Hello, Carol (in Task-A)", "Hello, Dave (in Task-B)"});
}

TEST_CASE("09_master_worker: processes survive a crash, threads do not") {
  auto const text = output_of("09_master_worker");
  auto const threads = text.find("Workers are threads:\n");
  REQUIRE(threads != text.npos);
  auto const processes = text.substr(0, threads);
  CHECK(processes.starts_with("Workers are processes:\n"));
  for (int const n : {1, 2, 3, 4, 6, 7, 8})
    CHECK(processes.find("  " + std::to_string(n) + " * " + std::to_string(n) + " = " +
                         std::to_string(n * n) + "\n") != text.npos);
  CHECK(processes.find("  5 * 5: the worker died (killed by signal 6 (SIGABRT)") != text.npos);
  CHECK(processes.ends_with("The master lives: 7 of 8 jobs are done.\n"));
  CHECK(text.find("The master lives", threads) == text.npos);
  CHECK(text.ends_with("The master died with its workers: exit code -6.\n"));
}

TEST_CASE("10_async_io: a thousand waits take hardly longer than one") {
  expect(output_of("10_async_io"),
         "1000 questions, 100 ms each: 100 s one after another\n"
         "All at once, in one thread: \\d\\.\\d\\d s\n"
         "Meanwhile a clock in the same thread has ticked [1-9]\\d* times\\.\n");
}

TEST_CASE("docs/tutorial.md shows every program as it is") {
  auto const text = content_of(WEFT_SOURCE_DIR "/docs/tutorial.md");
  std::vector<std::filesystem::path> programs{WEFT_SOURCE_DIR "/examples/task_master.cpp",
                                              WEFT_SOURCE_DIR "/examples/task_worker.cpp"};
  for (auto const& entry :
       std::filesystem::directory_iterator(WEFT_SOURCE_DIR "/examples/tutorial"))
    if (entry.path().extension() == ".cpp") programs.push_back(entry.path());
  for (auto const& program : programs) {
    CAPTURE(program.filename());
    CHECK(text.find("\n```cpp\n" + content_of(program) + "```\n") != text.npos);
  }
  CHECK(programs.size() == 12);
}
