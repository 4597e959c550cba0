// exit_status: how a process ended, as a value.
#pragma once

#include <string>

#include "weft/detail/compiler.hpp"

namespace weft::inline v0 {

// A process ends in one of two ways: with an exit code, or killed by a signal. See waitid(2).
class WEFT_API exit_status {
 public:
  // With the exit code 0.
  constexpr exit_status() noexcept = default;

  static constexpr exit_status exited(int code) noexcept { return {code, 0, false}; }
  static constexpr exit_status killed(int signal, bool dumped_core = false) noexcept {
    return {0, signal, dumped_core};
  }

  // Whether it ended with the exit code 0.
  [[nodiscard]] constexpr bool success() const noexcept { return code_ == 0 && signal_ == 0; }

  // The exit code, 0 to 255; -N when signal N killed it, as in Python's subprocess.
  [[nodiscard]] constexpr int exit_code() const noexcept { return signal_ != 0 ? -signal_ : code_; }

  // The signal that killed it; 0 when none did.
  [[nodiscard]] constexpr int signal() const noexcept { return signal_; }

  [[nodiscard]] constexpr bool dumped_core() const noexcept { return dumped_core_; }

  // "exit code 3", "killed by signal 9 (SIGKILL)".
  [[nodiscard]] std::string to_string() const;

  friend constexpr bool operator==(exit_status const&, exit_status const&) noexcept = default;

 private:
  constexpr exit_status(int code, int signal, bool dumped_core) noexcept
      : code_(code), signal_(signal), dumped_core_(dumped_core) {}

  int code_ = 0;
  int signal_ = 0;
  bool dumped_core_ = false;
};

}  // namespace weft::inline v0
