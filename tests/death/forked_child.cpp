// A task forks, and the child uses the parent's loop: the child aborts with a message that names
// both processes, and the parent's loop goes on. Usage: forked_child sleep | set | return
#include <weft/weft.hpp>

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <string>
#include <string_view>

#include <fmt/format.h>

namespace {

using namespace std::chrono_literals;

std::string read_to_end(int fd) {
  std::string text;
  std::array<char, 256> part{};
  for (ssize_t size = 0; (size = ::read(fd, part.data(), part.size())) > 0;)
    text.append(part.data(), static_cast<std::size_t>(size));
  ::close(fd);
  return text;
}

// In the parent, judges how the child ended; `what` is what it used the loop for.
bool ended_as_it_should(pid_t child, int stderr_of_child, std::string_view what) {
  std::string const said = read_to_end(stderr_of_child);
  int status = 0;
  ::waitpid(child, &status, 0);
  auto const expected = fmt::format("weft: {} used the loop of process {} in its forked child {};",
                                    what, ::getpid(), child);
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && said.starts_with(expected)) return true;
  std::fprintf(stderr, "expected \"%s\", but the child ended with status %#x and said:\n%s\n",
               expected.c_str(), static_cast<unsigned>(status), said.c_str());
  return false;
}

weft::task<> wait_for(weft::event& happened) { co_await happened.wait(); }

weft::task<bool> fork_and(std::string_view deed, weft::event& happened) {
  std::array<int, 2> said{};
  if (::pipe(said.data()) != 0) co_return false;
  pid_t const child = ::fork();
  if (child != 0) {
    ::close(said[1]);
    auto const what = deed == "set" ? "event" : deed == "return" ? "the end of a task" : "sleep";
    co_return ended_as_it_should(child, said[0], what);
  }
  ::dup2(said[1], STDERR_FILENO);
  if (deed == "set") happened.set();
  if (deed == "sleep") co_await weft::sleep_for(1ms);
  co_return true;  // which ends the chain
}

weft::task<bool> app(std::string_view deed) {
  weft::event happened;
  co_return co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<bool> {
    tasks.spawn(wait_for(happened));
    co_await weft::yield();
    bool const passed = co_await tasks.spawn(fork_and(deed, happened));
    co_await weft::sleep_for(1ms);
    happened.set();
    co_return passed;
  });
}

}  // namespace

int main(int count, char** arguments) {
  rlimit const no_core{};
  ::setrlimit(RLIMIT_CORE, &no_core);
  return count == 2 && weft::run(app(arguments[1])) ? 0 : 1;
}
