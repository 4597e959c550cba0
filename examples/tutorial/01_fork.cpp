// Tutorial, 1: fork(2), which is called once and returns twice. Plain fork is for programs without
// threads and outside a loop; the other chapters use what Weft has.
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>

#include <fmt/core.h>

int main() {
  std::setvbuf(stdout, nullptr, _IOLBF, 0);  // or both processes would print what is in the buffer
  fmt::print("Process ({}) start...\n", ::getpid());
  pid_t const pid = ::fork();
  if (pid == 0) {
    fmt::print("I am child process ({}) and my parent is {}.\n", ::getpid(), ::getppid());
    return 0;
  }
  fmt::print("I ({}) just created a child process ({}).\n", ::getpid(), pid);
  ::waitpid(pid, nullptr, 0);
}
