// How the end of a process is told to people.
#include "weft/exit_status.hpp"

#include <cstring>

#include <fmt/format.h>

namespace weft::inline v0 {

std::string exit_status::to_string() const {
  if (signal_ == 0) return fmt::format("exit code {}", code_);
  auto text = fmt::format("killed by signal {}", signal_);
  if (char const* const name = ::sigabbrev_np(signal_)) text += fmt::format(" (SIG{})", name);
  if (dumped_core_) text += ", core dumped";
  return text;
}

}  // namespace weft::inline v0
