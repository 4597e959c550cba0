// Commands at a terminal: a child whose stdin is the terminal is in the parent's process group, so
// Ctrl-C reaches both; another one is not.
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <string>
#include <string_view>

#include "support/backends.hpp"
#include "support/foreign.hpp"
#include "weft/run.hpp"
#include "weft/stream.hpp"
#include "weft/this_task.hpp"
#include "weft/time.hpp"

#include <doctest/doctest.h>

using support::foreign;
using weft::stdio;

namespace {

void say(std::string const& text) {
  CHECK(::write(STDOUT_FILENO, text.data(), text.size()) == static_cast<ssize_t>(text.size()));
}

// The program at the terminal: it waits for a child that only a signal ends, and tells how it did.
weft::task<> app(bool shares_terminal) {
  auto what = foreign("pause");
  what.input_from(shares_terminal ? stdio::inherit() : stdio::null());
  auto child = what.spawn();
  std::array<std::byte, 6> ready{};
  co_await weft::read_exactly(child.output, ready);
  say("child ready\r\n");
  while (!weft::stop_requested()) co_await weft::sleep_for(std::chrono::milliseconds(1));
  if (!shares_terminal) child.terminate();
  say("stopped; the child was " + (co_await child.wait()).to_string() + "\r\n");
}

// Runs it on a new terminal, presses Ctrl-C once the child is ready, and yields all that was shown.
std::string shown(bool shares_terminal, weft::backend_kind backend) {
  int fd = -1;
  pid_t const process = ::forkpty(&fd, nullptr, nullptr, nullptr);
  REQUIRE(process >= 0);
  if (process == 0)
    ::_exit(weft::run_main(app(shares_terminal),
                           {.backend = backend, .drain = std::chrono::minutes(1)}));
  std::string said;
  std::array<char, 4096> buffer{};
  for (bool pressed = false;;) {
    pollfd waiting{fd, POLLIN, 0};
    if (::poll(&waiting, 1, 60'000) != 1) break;
    ssize_t const count = ::read(fd, buffer.data(), buffer.size());
    if (count <= 0) break;  // EIO when the program has ended
    said.append(buffer.data(), static_cast<std::size_t>(count));
    if (!pressed && said.find("child ready") != std::string::npos) {
      pressed = true;
      CHECK(::write(fd, "\x03", 1) == 1);
    }
  }
  ::kill(process, SIGKILL);
  ::waitpid(process, nullptr, 0);
  ::close(fd);
  return said;
}

}  // namespace

TEST_CASE_ON_REAL_BACKENDS("Ctrl-C reaches a child that has the terminal, and the parent") {
  auto const backend =
      On::is<support::epoll>() ? weft::backend_kind::epoll : weft::backend_kind::uring;
  auto const both = shown(true, backend);
  CHECK(both.find("stopped; the child was killed by signal 2 (SIGINT)") != std::string::npos);
  auto const parent_alone = shown(false, backend);
  CHECK(parent_alone.find("stopped; the child was killed by signal 15 (SIGTERM)") !=
        std::string::npos);
}
