// The foreign program that the tests of commands run: it does one deed, named by its first
// argument. It is linked statically and without sanitizers, since thousands of it are started.
#include <dirent.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "support/bytes.hpp"

namespace {

using arguments = std::vector<std::string>;

std::size_t number(arguments const& given, std::size_t index) {
  return static_cast<std::size_t>(std::stoull(given.at(index)));
}

void say(std::string_view text, int fd = STDOUT_FILENO) {
  while (!text.empty()) {
    ssize_t const count = ::write(fd, text.data(), text.size());
    if (count < 0) std::exit(errno);
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

// How many bytes came until the end, or until `most` have come.
std::size_t swallow(int fd, std::size_t most = static_cast<std::size_t>(-1)) {
  std::array<char, 65'536> buffer;
  std::size_t done = 0;
  while (done < most) {
    ssize_t const count = ::read(fd, buffer.data(), std::min(buffer.size(), most - done));
    if (count <= 0) break;
    done += static_cast<std::size_t>(count);
  }
  return done;
}

int flood(std::size_t size) {
  auto const text = support::pattern(size);
  say(text, STDERR_FILENO);
  say(text);
  return 0;
}

// Its input, to both outputs, as it comes.
int copy(arguments const&) {
  std::array<char, 65'536> buffer;
  while (true) {
    ssize_t const count = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (count <= 0) return count < 0;
    say({buffer.data(), static_cast<std::size_t>(count)});
    say({buffer.data(), static_cast<std::size_t>(count)}, STDERR_FILENO);
  }
}

// early INPUT OUTPUT: reads it all, then writes.
int early(arguments const& given) {
  if (swallow(STDIN_FILENO) != number(given, 0)) return 1;
  return flood(number(given, 1));
}

// late INPUT OUTPUT: writes, then reads it all.
int late(arguments const& given) {
  flood(number(given, 1));
  return swallow(STDIN_FILENO) == number(given, 0) ? 0 : 1;
}

// closes OUTPUT: a little of its input is enough for it.
int closes(arguments const& given) {
  swallow(STDIN_FILENO, 3);
  ::close(STDIN_FILENO);
  return flood(number(given, 0));
}

// deaf OUTPUT: never reads at all.
int deaf(arguments const& given) { return flood(number(given, 0)); }

int print_arguments(arguments const& given) {
  for (auto const& each : given) say(each + '\n');
  return 0;
}

int print_environment(arguments const&) {
  for (char** variable = environ; *variable != nullptr; ++variable)
    say(*variable + std::string("\n"));
  return 0;
}

int print_directory(arguments const&) {
  std::array<char, 4096> path{};
  if (::getcwd(path.data(), path.size()) == nullptr) return 1;
  say(path.data());
  return 0;
}

int print_descriptors(arguments const&) {
  DIR* const directory = ::opendir("/proc/self/fd");
  std::vector<int> open;
  while (dirent const* const entry = ::readdir(directory))
    if (entry->d_name[0] != '.' && std::atoi(entry->d_name) != ::dirfd(directory))
      open.push_back(std::atoi(entry->d_name));
  std::ranges::sort(open);
  std::string text;
  for (int const fd : open) text += std::to_string(fd) + ' ';
  say(text);
  return 0;
}

// The numbers of the signals that are blocked, and of those that are not handled by default.
int print_signals(arguments const&) {
  sigset_t blocked;
  ::sigprocmask(SIG_BLOCK, nullptr, &blocked);
  std::string text = "blocked:";
  for (int i = 1; i < NSIG; ++i)
    if (::sigismember(&blocked, i) == 1) text += ' ' + std::to_string(i);
  text += " changed:";
  for (int i = 1; i < NSIG; ++i) {
    struct sigaction action{};
    if (::sigaction(i, nullptr, &action) == 0 && action.sa_handler != SIG_DFL)
      text += ' ' + std::to_string(i);
  }
  say(text);
  return 0;
}

int print_group(arguments const&) {
  say(::getpgrp() == ::getpid() ? "leads" : "follows");
  return 0;
}

// Says "ready", and ends with its input.
int wait_for_end(arguments const&) {
  say("ready\n");
  swallow(STDIN_FILENO);
  return 0;
}

// Says "ready", and ends by a signal only.
int wait_for_signal(arguments const&) {
  say("ready\n");
  for (;;) ::pause();
}

int refuse_to_terminate(arguments const& given) {
  std::signal(SIGTERM, SIG_IGN);
  return wait_for_signal(given);
}

int exit_with(arguments const& given) { return static_cast<int>(number(given, 0)); }

int die(arguments const& given) {
  std::raise(static_cast<int>(number(given, 0)));
  return 0;
}

// leave FD: leaves a process behind that holds the outputs, writes "late" once FD has come to its
// end, and ends.
int leave(arguments const& given) {
  say("early");
  if (::fork() == 0) {
    std::signal(SIGPIPE, SIG_IGN);
    swallow(static_cast<int>(number(given, 0)));
    say("late");
    ::_exit(0);
  }
  return 0;
}

// family: two processes that only a signal ends; says the number of the second.
int family(arguments const& given) {
  pid_t const second = ::fork();
  if (second == 0)
    for (;;) ::pause();
  say(std::to_string(second) + '\n');
  return wait_for_signal(given);
}

std::map<std::string, int (*)(arguments const&)> const deeds = {
    {"arguments", print_arguments},
    {"closes", closes},
    {"copy", copy},
    {"deaf", deaf},
    {"descriptors", print_descriptors},
    {"die", die},
    {"directory", print_directory},
    {"early", early},
    {"environment", print_environment},
    {"exit", exit_with},
    {"family", family},
    {"group", print_group},
    {"late", late},
    {"leave", leave},
    {"pause", wait_for_signal},
    {"signals", print_signals},
    {"stubborn", refuse_to_terminate},
    {"wait", wait_for_end},
};

}  // namespace

int main(int count, char** values) {
  arguments given(values + 1, values + count);
  std::string const deed = given.at(0);
  given.erase(given.begin());
  return deeds.at(deed)(given);
}
