// What the system itself takes, without any runtime: system ROW
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include "support/stopwatch.hpp"

namespace {

void wait_for(pid_t child) {
  int status = 0;
  if (::waitpid(child, &status, 0) != child || status != 0) std::exit(1);
}

void spawn() {
  bench::stopwatch watch;
  char program[] = "/bin/true";
  char* arguments[] = {program, nullptr};
  while (watch.goes_on(1)) {
    pid_t child = 0;
    if (::posix_spawn(&child, program, nullptr, nullptr, arguments, environ) != 0) std::exit(1);
    wait_for(child);
  }
  watch.print();
}

void start() {
  bench::stopwatch watch;
  while (watch.goes_on(1)) {
    pid_t const child = ::fork();
    if (child == 0) ::_exit(0);
    wait_for(child);
  }
  watch.print();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  if (std::string_view(argv[1]) == "spawn")
    spawn();
  else
    start();
}
