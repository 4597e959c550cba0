// What is said of a command: its arguments, environment, directory and standard streams, and how it
// is told that it cannot be started. The program that is run is support/foreign.cpp.
#include "weft/command.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "support/backends.hpp"
#include "support/foreign.hpp"
#include "support/temporary_directory.hpp"

#include <doctest/doctest.h>

using support::foreign;
using support::run_on;
using weft::stdio;

namespace {

std::string content_of(std::string const& path) {
  std::ifstream file(path);
  return {std::istreambuf_iterator<char>(file), {}};
}

// What starting it is refused with.
struct refusal {
  int error = 0;
  std::string text;
};

refusal refusal_of(weft::command const& refused) {
  refusal got;
  run_on<On>([](weft::command const& started, refusal& seen) -> weft::task<> {
    try {
      co_await started.output();
    } catch (std::system_error const& error) {
      seen = {error.code().value(), error.what()};
    }
  }(refused, got));
  return got;
}

std::string output_of(weft::command const& started) {
  return run_on<On>([](weft::command const& run) -> weft::task<std::string> {
    auto const got = co_await run.output();
    CHECK(got.status.to_string() == "exit code 0");
    CHECK_FALSE(got.cut);
    co_return got.out;
  }(started));
}

// The numbers of the signals that this process ignores, and its children should.
std::string ignored_but_sigpipe() {
  std::string text;
  for (int number = 1; number < NSIG; ++number) {
    struct sigaction action{};
    if (number != SIGPIPE && ::sigaction(number, nullptr, &action) == 0 &&
        action.sa_handler == SIG_IGN)
      text += ' ' + std::to_string(number);
  }
  return text;
}

}  // namespace

TEST_CASE_ON_EVERY_BACKEND("a command yields its status and what it writes") {
  run_on<On>([]() -> weft::task<> {
    auto const got = co_await weft::command("sh", "-c", "echo out; echo err >&2; exit 3").output();
    CHECK(got.status.exit_code() == 3);
    CHECK(got.out == "out\n");
    CHECK(got.err == "err\n");
    CHECK((co_await foreign("exit", "7").status()).exit_code() == 7);
    CHECK((co_await foreign("die", "15").status()).to_string() == "killed by signal 15 (SIGTERM)");
    CHECK((co_await weft::command("true").status()).success());
  }());
}

TEST_CASE_ON_EVERY_BACKEND("arguments arrive as they are") {
  std::vector<std::string> const more = {"$HOME", "a\\b", "*"};
  auto const printing = foreign("arguments", "two words", "", "\"quoted\"").arguments(more);
  CHECK(output_of(printing) == "two words\n\n\"quoted\"\n$HOME\na\\b\n*\n");
  CHECK(output_of(printing) == output_of(printing));  // it can be run again
}

TEST_CASE_ON_EVERY_BACKEND("the environment is changed or replaced, and names are checked") {
  ::setenv("WEFT_TEST_INHERITED", "yes", 1);
  ::setenv("WEFT_TEST_TAKEN", "yes", 1);
  auto const changed = output_of(
      foreign("environment").variable("WEFT_TEST_NEW", "a=b").without_variable("WEFT_TEST_TAKEN"));
  CHECK(changed.find("WEFT_TEST_INHERITED=yes\n") != std::string::npos);
  CHECK(changed.find("WEFT_TEST_NEW=a=b\n") != std::string::npos);
  CHECK(changed.find("WEFT_TEST_TAKEN") == std::string::npos);
  auto const overridden = output_of(foreign("environment").variable("WEFT_TEST_INHERITED", "no"));
  CHECK(overridden.find("WEFT_TEST_INHERITED=no\n") != std::string::npos);
  CHECK(overridden.find("WEFT_TEST_INHERITED=yes\n") == std::string::npos);
  ::unsetenv("WEFT_TEST_INHERITED");
  ::unsetenv("WEFT_TEST_TAKEN");
  CHECK(output_of(foreign("environment").environment({{"A", "1"}}).variable("B", "2")) ==
        "A=1\nB=2\n");
  CHECK(output_of(foreign("environment").environment({})).empty());
  CHECK_THROWS_AS(foreign("environment").variable("", "x"), std::invalid_argument);
  CHECK_THROWS_AS(foreign("environment").variable("A=B", "x"), std::invalid_argument);
  CHECK_THROWS_AS(foreign("environment").environment({{"=", "x"}}), std::invalid_argument);
}

TEST_CASE_ON_EVERY_BACKEND("a text with a NUL byte is refused") {
  using namespace std::string_literals;
  CHECK_THROWS_AS(foreign("environment").variable("A\0B"s, "x"), std::invalid_argument);
  CHECK_THROWS_AS(foreign("directory").directory("/\0tmp"s), std::invalid_argument);
  CHECK_THROWS_AS(output_of(foreign("arguments", "a\0b"s)), std::invalid_argument);
  CHECK_THROWS_AS(output_of(foreign("environment").variable("A", "a\0b"s)), std::invalid_argument);
  CHECK_THROWS_AS(output_of(foreign("copy").input_from(stdio::file("/\0tmp"s))),
                  std::invalid_argument);
}

TEST_CASE_ON_EVERY_BACKEND("the program is looked for in the PATH of the child") {
  support::temporary_directory const directory;
  std::filesystem::create_symlink(WEFT_FOREIGN_PROGRAM, directory / "our-program");
  std::ofstream(directory / "not-executable") << "#!/bin/sh\n";
  auto const path = "/nonesuch:" + (directory / "");
  auto const in_path = [&](char const* name) {
    return weft::command(name, "arguments", "found").variable("PATH", path);
  };
  CHECK(output_of(in_path("our-program")) == "found\n");
  CHECK(output_of(in_path("our-program").environment({{"PATH", path}})) == "found\n");
  CHECK(refusal_of(in_path("sh")).error == ENOENT);
  CHECK(refusal_of(in_path("not-executable")).error == EACCES);
  CHECK(output_of(weft::command("sh", "-c", "echo x").environment({})) == "x\n");  // /bin:/usr/bin
  auto const here = [&] { return in_path("our-program").directory(directory / ""); };
  CHECK(output_of(here().variable("PATH", "")) == "found\n");
  CHECK(output_of(here().variable("PATH", "/nonesuch:")) == "found\n");
  CHECK(output_of(weft::command("./our-program", "arguments", "found").directory(directory / "")) ==
        "found\n");
}

TEST_CASE_ON_EVERY_BACKEND("what cannot be started says so, and leaves nothing behind") {
  support::temporary_directory const directory;
  std::ofstream(directory / "text") << "text";
  auto const before = support::open_descriptors();
  auto const missing = refusal_of(weft::command("weft-nonesuch"));
  CHECK(missing.error == ENOENT);
  CHECK(missing.text == "run weft-nonesuch: No such file or directory");
  CHECK(refusal_of(weft::command("")).error == ENOENT);
  CHECK(refusal_of(weft::command(directory / "text")).error == EACCES);
  CHECK(refusal_of(weft::command("/bin/sh/x")).error == ENOTDIR);
  auto const nowhere = refusal_of(weft::command("true").directory("/weft-nonesuch"));
  CHECK(nowhere.error == ENOENT);
  CHECK(nowhere.text == "run true in directory /weft-nonesuch: No such file or directory");
  CHECK(refusal_of(weft::command("true").directory(directory / "text")).error == ENOTDIR);
  std::string const long_argument(200'000, 'x');  // above MAX_ARG_STRLEN
  CHECK(refusal_of(weft::command("true", long_argument)).error == E2BIG);
  CHECK(refusal_of(weft::command("true").pass(9999)).error == EBADF);
  ::chmod((directory / "text").c_str(), 0755);
  CHECK(refusal_of(weft::command(directory / "text")).error == ENOEXEC);
  CHECK(support::open_descriptors() == before);
  CHECK(::waitpid(-1, nullptr, WNOHANG) == -1);  // no child, not even a dead one
}

TEST_CASE_ON_EVERY_BACKEND("a stream that cannot be opened is named") {
  auto const before = support::open_descriptors();
  auto const no_file = refusal_of(foreign("copy").input_from(stdio::file("/weft-nonesuch")));
  CHECK(no_file.text == "run " WEFT_FOREIGN_PROGRAM
                        " with /weft-nonesuch as stdin: No such file or directory");
  auto const closed = refusal_of(foreign("copy").errors_to(stdio::descriptor(9999)));
  CHECK(closed.error == EBADF);
  CHECK(closed.text.find("with descriptor 9999 as stderr") != std::string::npos);
  CHECK_THROWS_AS(foreign("copy").input_from(stdio::append("x")), std::invalid_argument);
  CHECK_THROWS_AS(foreign("copy").input_from(stdio::output()), std::invalid_argument);
  CHECK_THROWS_AS(foreign("copy").output_to(stdio::output()), std::invalid_argument);
  CHECK_THROWS_AS(foreign("copy").pass(2), std::invalid_argument);
  CHECK_THROWS_AS((void)foreign("copy").output_to(stdio::pipe()).status(), std::invalid_argument);
  CHECK_THROWS_AS((void)foreign("copy").input_from(stdio::null()).communicate("x"),
                  std::invalid_argument);
  CHECK(support::open_descriptors() == before);
}

TEST_CASE_ON_EVERY_BACKEND("the directory is the child's alone") {
  support::temporary_directory const directory;
  auto const real = std::filesystem::canonical(directory / ".").string();
  CHECK(output_of(foreign("directory").directory(directory / "")) == real);
  CHECK(std::filesystem::current_path() != real);
}

TEST_CASE_ON_EVERY_BACKEND("streams are files, null, pipes, descriptors, or one another") {
  support::temporary_directory const directory;
  std::ofstream(directory / "in") << "text";
  std::ofstream(directory / "out") << "something longer";
  run_on<On>([](support::temporary_directory const& files) -> weft::task<> {
    auto copying = foreign("copy").input_from(stdio::file(files / "in"));
    auto const in_files = copying;
    CHECK((co_await weft::command(in_files)
               .output_to(stdio::file(files / "out"))
               .errors_to(stdio::append(files / "log"))
               .status())
              .success());
    CHECK(content_of(files / "out") == "text");
    CHECK(
        (co_await copying.output_to(stdio::append(files / "log")).errors_to(stdio::null()).status())
            .success());
    CHECK(content_of(files / "log") == "texttext");

    auto const both = co_await weft::command(in_files).errors_to(stdio::output()).output();
    CHECK(both.out == "texttext");
    CHECK(both.err.empty());

    auto pipe = weft::make_pipe();
    auto const given = co_await weft::command(in_files)
                           .output_to(stdio::descriptor(pipe.write))
                           .errors_to(stdio::output())
                           .output();
    CHECK(given.out.empty());
    std::array<std::byte, 16> buffer{};
    CHECK(co_await pipe.read.read_some(buffer) == 8);

    CHECK((co_await foreign("copy").output()).out.empty());  // stdin is null
  }(directory));
}

TEST_CASE_ON_EVERY_BACKEND("a FIFO whose other end nobody has opened delays nobody") {
  support::temporary_directory const directory;
  REQUIRE(::mkfifo((directory / "fifo").c_str(), 0600) == 0);
  CHECK(output_of(foreign("copy").input_from(stdio::file(directory / "fifo"))).empty());
  CHECK(refusal_of(foreign("copy").output_to(stdio::file(directory / "fifo"))).error == ENXIO);
}

TEST_CASE_ON_EVERY_BACKEND("the child has its standard streams, what was passed, and no more") {
  run_on<On>([]() -> weft::task<> {
    auto const null = weft::descriptor::adopt(::open("/dev/null", O_RDONLY));  // not close-on-exec
    auto const passed = weft::make_pipe();
    CHECK((co_await foreign("descriptors").output()).out == "0 1 2 ");
    CHECK((co_await foreign("descriptors").pass(passed.write.get()).output()).out ==
          "0 1 2 " + std::to_string(passed.write.get()) + " ");
    CHECK((::fcntl(passed.write.get(), F_GETFD) & FD_CLOEXEC) != 0);  // here it still is
  }());
}

TEST_CASE_ON_EVERY_BACKEND("signals are as a program expects them at its start") {
  std::signal(SIGUSR1, [](int) {});
  std::signal(SIGUSR2, SIG_IGN);
  std::signal(SIGPIPE, SIG_IGN);
  sigset_t blocked;
  sigset_t before;
  ::sigemptyset(&blocked);
  ::sigaddset(&blocked, SIGTERM);
  ::pthread_sigmask(SIG_BLOCK, &blocked, &before);
  CHECK(output_of(foreign("signals")) == "blocked: changed:" + ignored_but_sigpipe());
  sigset_t now;
  ::pthread_sigmask(SIG_SETMASK, &before, &now);
  CHECK(::sigismember(&now, SIGTERM) == 1);  // the parent's is as it was
  for (int const number : {SIGUSR1, SIGUSR2, SIGPIPE}) std::signal(number, SIG_DFL);
}
