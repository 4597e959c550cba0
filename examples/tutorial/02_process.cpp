// Tutorial, 2: a function in a process of its own.
#include <unistd.h>

#include <cstdio>
#include <string>

#include <fmt/core.h>
#include <weft/process.hpp>
#include <weft/run.hpp>

void run_proc(std::string name) { fmt::print("Run child process {} ({})...\n", name, ::getpid()); }

weft::task<> app() {
  fmt::print("Parent process {}.\n", ::getpid());
  fmt::print("Child process will start.\n");
  auto child = co_await weft::process::start(run_proc, "test");
  co_await child.join();
  fmt::print("Child process end.\n");
}

int main() {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);
  return weft::run_main(app());
}
