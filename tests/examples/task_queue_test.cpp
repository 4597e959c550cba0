// task_master and task_worker do together what the tutorial shows, also when a worker dies.
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <regex>
#include <string>
#include <vector>

#include "support/program.hpp"
#include "support/redis_server.hpp"
#include "support/temporary_directory.hpp"

#include <doctest/doctest.h>

using support::example;
using support::program;

namespace {

using arguments = std::vector<std::string>;

// A master and where it is. Both programs take the key from a file.
class meeting {
 public:
  meeting() : master_(example("task_master"), with_key({"--address", "127.0.0.1:0"})) {
    auto const line = master_.first_line();
    REQUIRE(line.starts_with("listening on "));
    address_ = line.substr(13);
  }

  [[nodiscard]] program& master() { return master_; }
  [[nodiscard]] std::string const& address() const { return address_; }

  [[nodiscard]] arguments for_worker(std::string const& executor) const {
    return with_key({"--address", address_, "--executor", executor});
  }

 private:
  static std::string written(std::string const& path) {
    std::ofstream(path) << "abc\n";
    return path;
  }

  [[nodiscard]] arguments with_key(arguments given) const {
    given.insert(given.end(), {"--authkey-file", key_file_});
    return given;
  }

  support::temporary_directory directory_;
  std::string key_file_ = written(directory_ / "key");
  program master_;
  std::string address_;
};

std::vector<std::string> numbers_in(std::string const& text, std::string const& pattern) {
  std::vector<std::string> numbers;
  std::regex const wanted(pattern);
  for (std::sregex_iterator each(text.begin(), text.end(), wanted), end; each != end; ++each)
    numbers.push_back((*each)[1]);
  return numbers;
}

// The master's transcript, as in the tutorial; yields the numbers.
std::vector<std::string> check_master(program::ended const& master) {
  CAPTURE(master.out);
  CHECK(master.code == 0);
  CHECK(std::regex_match(master.out,
                         std::regex("(?:listening on .*\n)?(Put task \\d+\\.\\.\\.\n){10}"
                                    "Try get results\\.\\.\\.\n"
                                    "(Result: (\\d+) \\* \\3 = \\d+\n){10}master exit\\.\n")));
  auto put = numbers_in(master.out, "Put task (\\d+)");
  std::ranges::sort(put);
  auto done = numbers_in(master.out, "Result: (\\d+)");
  std::ranges::sort(done);
  CHECK(put == done);
  std::regex const product("Result: (\\d+) \\* \\d+ = (\\d+)");
  for (std::sregex_iterator each(master.out.begin(), master.out.end(), product), end; each != end;
       ++each)
    CHECK(std::stol((*each)[1]) * std::stol((*each)[1]) == std::stol((*each)[2]));
  return put;
}

// A worker's; yields the numbers of its tasks.
std::vector<std::string> check_worker(program::ended const& worker, std::string const& address) {
  CAPTURE(worker.out);
  CHECK(worker.code == 0);
  CHECK(worker.err.empty());
  CHECK(worker.out.starts_with("Connect to server " + address + "...\n"));
  CHECK(worker.out.ends_with("\nworker exit.\n"));
  return numbers_in(worker.out, "run task (\\d+) \\* \\1\\.\\.\\.\n");
}

}  // namespace

TEST_CASE("two workers do the tutorial's ten tasks, in processes and on threads") {
  meeting at;
  program first(example("task_worker"), at.for_worker("processes"));
  program second(example("task_worker"), at.for_worker("threads"));
  auto const ended = at.master().wait();
  CHECK(ended.err.empty());
  auto const all = check_master(ended);
  auto done = check_worker(first.wait(), at.address());
  for (auto const& each : check_worker(second.wait(), at.address())) done.push_back(each);
  std::ranges::sort(done);
  CHECK(done == all);
}

TEST_CASE("a worker that is killed in the midst of a task loses none") {
  meeting at;
  program doomed(example("task_worker"), at.for_worker("inline"));
  program other(example("task_worker"), at.for_worker("inline"));
  doomed.wait_for("run task");
  doomed.signal(SIGKILL);
  CHECK(doomed.wait().code == -SIGKILL);
  check_master(at.master().wait());
  CHECK(check_worker(other.wait(), at.address()).size() == 10);
}

TEST_CASE("a worker with a wrong key is told so in one line, and the master without secrets") {
  meeting at;
  auto const wrong =
      program(example("task_worker"), {"--address", at.address(), "--authkey", "guess"}).wait();
  CHECK(wrong.code == 1);
  CHECK(wrong.err == "weft: the queue server refuses the key\n");
  program worker(example("task_worker"), at.for_worker("threads"));
  auto const ended = at.master().wait();
  check_master(ended);
  CHECK(ended.err.find("was refused: it has not got the key\n") != std::string::npos);
  CHECK(ended.err.find("guess") == std::string::npos);
  CHECK(ended.err.find("abc") == std::string::npos);
}

TEST_CASE("a worker that is stopped finishes what it has in hand, and the rest waits for another") {
  meeting at;
  program stopped(example("task_worker"), at.for_worker("inline"));
  stopped.wait_for("run task");
  stopped.signal(SIGINT);
  auto done = check_worker(stopped.wait(), at.address());
  CHECK_FALSE(done.empty());
  program other(example("task_worker"), at.for_worker("threads"));
  auto const all = check_master(at.master().wait());
  for (auto const& each : check_worker(other.wait(), at.address())) done.push_back(each);
  std::ranges::sort(done);
  CHECK(done == all);
}

TEST_CASE("on Redis the same programs do the same, also when a worker is killed") {
  if (!support::redis_server::is_there()) return;
  support::redis_server const server;
  std::string const broker = "redis://" + server.socket();
  for (int run = 0; run < 2; ++run) {  // the second finds the queue that the first has closed
    program master(example("task_master"), {"--broker", broker});
    master.wait_for("Try get results...\n");
    program doomed(example("task_worker"), {"--broker", broker});
    doomed.wait_for("run task");
    program other(example("task_worker"), {"--broker", broker, "--executor", "threads"});
    doomed.signal(SIGKILL);
    CHECK(doomed.wait().code == -SIGKILL);
    auto const ended = master.wait();
    CHECK(ended.err.empty());
    check_master(ended);
    CHECK(check_worker(other.wait(), broker).size() >= 9);
  }
}

TEST_CASE("a worker in another language takes part, knowing the protocol alone") {
  if (::access("/usr/bin/python3", X_OK) != 0) {
    MESSAGE("skipped: there is no /usr/bin/python3");
    return;
  }
  meeting at;
  ::setenv("WEFT_AUTHKEY", "guess", 1);
  arguments const python{WEFT_SOURCE_DIR "/examples/task_worker.py", at.address()};
  auto const wrong = program("/usr/bin/python3", python).wait();
  CHECK(wrong.code == 1);
  CHECK(wrong.err == "the queue server refuses the key\n");
  ::setenv("WEFT_AUTHKEY", "abc", 1);
  program foreign("/usr/bin/python3", python);
  program ours(example("task_worker"), at.for_worker("inline"));
  ::unsetenv("WEFT_AUTHKEY");
  auto const all = check_master(at.master().wait());
  auto done = check_worker(foreign.wait(), at.address());
  CHECK_FALSE(done.empty());
  for (auto const& each : check_worker(ours.wait(), at.address())) done.push_back(each);
  std::ranges::sort(done);
  CHECK(done == all);
}

TEST_CASE("without a key neither begins") {
  ::unsetenv("WEFT_AUTHKEY");
  for (auto const* name : {"task_master", "task_worker"}) {
    auto const ended = program(example(name), {}).wait();
    CHECK(ended.code == 1);
    CHECK(ended.out.empty());
    CHECK(ended.err == "there is no key; use --authkey-file, WEFT_AUTHKEY or --authkey\n");
  }
}
