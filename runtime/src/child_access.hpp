// How what starts a program makes a child_process of it, and ends one without blocking the loop.
#pragma once

#include "weft/child_process.hpp"

namespace weft::inline v0::detail {

struct child_access {
  // Takes over the pidfd. `has_group`: the child leads a process group of its own.
  static child_process adopt(pid_t pid, int pidfd, bool has_group) noexcept;

  // Kills the child, with its group, and waits until it is reaped; nothing to do if it has been.
  static task<> kill_and_reap(child_process& child);
};

}  // namespace weft::inline v0::detail
