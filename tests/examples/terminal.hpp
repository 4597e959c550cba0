// A terminal, for programs that look whether they have one.
#pragma once

#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

class terminal {
 public:
  // Runs the program with all three of its streams on the terminal, types the input, and yields
  // what it wrote, with what it typed as the terminal shows it. Gives up after a minute.
  std::string run(std::string const& path, std::vector<std::string> arguments,
                  std::string_view input) {
    arguments.insert(arguments.begin(), path);
    std::vector<char*> values;
    for (auto& each : arguments) values.push_back(each.data());
    values.push_back(nullptr);

    int fd = -1;
    pid_t const process = ::forkpty(&fd, nullptr, nullptr, nullptr);
    REQUIRE(process >= 0);
    if (process == 0) {
      ::execv(path.c_str(), values.data());
      ::_exit(127);
    }
    REQUIRE(::write(fd, input.data(), input.size()) == static_cast<ssize_t>(input.size()));
    std::string said;
    std::array<char, 4096> buffer{};
    for (;;) {
      pollfd waiting{fd, POLLIN, 0};
      if (::poll(&waiting, 1, 60'000) != 1) break;
      ssize_t const count = ::read(fd, buffer.data(), buffer.size());
      if (count <= 0) break;  // EIO when the program has ended
      said.append(buffer.data(), static_cast<std::size_t>(count));
    }
    ::kill(process, SIGKILL);
    ::waitpid(process, nullptr, 0);
    ::close(fd);
    return said;
  }
};
