// A task forks, and the child uses the parent's loop: the child aborts with a message that names
// both processes, and the parent's loop goes on. A loop of its own the child may run.
// Usage: forked_child sleep | set | close | return | run
#include <weft/weft.hpp>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace {

using namespace std::chrono_literals;

// What the child does, and what that is called when it uses the parent's loop.
std::map<std::string_view, std::string_view> const deeds = {
    {"sleep", "sleep"}, {"set", "event"}, {"close", "read"}, {"return", "the end of a task"},
    {"run", ""},
};

// What the tasks of the parent wait for when it forks.
struct surroundings {
  weft::event happened;
  weft::pipe_ends pipe = weft::make_pipe();
};

std::string read_to_end(int fd) {
  std::string text;
  std::array<char, 256> part{};
  for (ssize_t size = 0; (size = ::read(fd, part.data(), part.size())) > 0;)
    text.append(part.data(), static_cast<std::size_t>(size));
  ::close(fd);
  return text;
}

// In the parent, judges how the child ended.
bool ended_as_it_should(pid_t child, int stderr_of_child, std::string_view used_for) {
  std::string const said = read_to_end(stderr_of_child);
  int status = 0;
  ::waitpid(child, &status, 0);
  if (used_for.empty() && WIFEXITED(status) && WEXITSTATUS(status) == 42) return true;
  auto const expected = fmt::format("weft: {} used the loop of process {} in its forked child {};",
                                    used_for, ::getpid(), child);
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && said.starts_with(expected)) return true;
  fmt::print(stderr, "expected \"{}\", but the child ended with status {:#x} and said: {}\n",
             used_for.empty() ? "42" : expected, status, said);
  return false;
}

weft::task<int> sleep_for_42() {
  co_await weft::sleep_for(1ms);
  co_return 42;
}

weft::task<bool> fork_and(std::string_view deed, surroundings& around) {
  std::array<int, 2> said{};
  if (::pipe(said.data()) != 0) co_return false;
  pid_t const child = ::fork();
  if (child != 0) {
    ::close(said[1]);
    co_return ended_as_it_should(child, said[0], deeds.at(deed));
  }
  ::dup2(said[1], STDERR_FILENO);
  ::close(said[1]);
  if (deed == "run") ::_exit(weft::run(sleep_for_42()));
  if (deed == "set") around.happened.set();
  if (deed == "close") around.pipe.read.close();
  if (deed == "sleep") co_await weft::sleep_for(1ms);
  co_return true;  // which ends the chain
}

weft::task<> wait_for(weft::event& happened) { co_await happened.wait(); }

weft::task<> read_one(weft::descriptor& from) {
  std::array<std::byte, 1> buffer{};
  co_await from.read_some(buffer);
}

weft::task<bool> app(std::string_view deed) {
  surroundings around;
  co_return co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<bool> {
    tasks.spawn(wait_for(around.happened));
    tasks.spawn(read_one(around.pipe.read));
    co_await weft::yield();
    bool const passed = co_await tasks.spawn(fork_and(deed, around));
    co_await weft::sleep_for(1ms);
    around.happened.set();
    around.pipe.write.close();
    co_return passed;
  });
}

}  // namespace

int main(int count, char** arguments) {
  rlimit const no_core{};
  ::setrlimit(RLIMIT_CORE, &no_core);
  if (count != 2 || !deeds.contains(arguments[1])) return 2;
  return weft::run(app(arguments[1])) ? 0 : 1;
}
