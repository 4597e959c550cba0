// How the end of a process reads.
#include "weft/exit_status.hpp"

#include <doctest/doctest.h>

#include <csignal>

using weft::exit_status;

TEST_CASE("only the exit code 0 is success") {
  CHECK(exit_status().success());
  CHECK(exit_status::exited(0).success());
  CHECK_FALSE(exit_status::exited(1).success());
  CHECK_FALSE(exit_status::killed(SIGKILL).success());
}

TEST_CASE("the exit code is negative for a signal") {
  CHECK(exit_status::exited(3).exit_code() == 3);
  CHECK(exit_status::exited(3).signal() == 0);
  CHECK(exit_status::killed(SIGTERM).exit_code() == -SIGTERM);
  CHECK(exit_status::killed(SIGTERM).signal() == SIGTERM);
  CHECK(exit_status::killed(SIGSEGV, true).dumped_core());
}

TEST_CASE("people are told which it was") {
  CHECK(exit_status::exited(3).to_string() == "exit code 3");
  CHECK(exit_status::killed(SIGKILL).to_string() == "killed by signal 9 (SIGKILL)");
  CHECK(exit_status::killed(SIGSEGV, true).to_string() ==
        "killed by signal 11 (SIGSEGV), core dumped");
  CHECK(exit_status::killed(SIGRTMIN + 5).to_string() == "killed by signal 39");
}

TEST_CASE("statuses are compared by how the process ended") {
  CHECK(exit_status::exited(9) == exit_status::exited(9));
  CHECK(exit_status::exited(9) != exit_status::killed(9));
}
