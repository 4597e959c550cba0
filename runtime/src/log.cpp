// The log hook and its default.
#include "weft/log.hpp"

#include <unistd.h>

#include <atomic>
#include <string>

namespace weft::inline v0 {

namespace {

// One write(2) per message, so that lines of several threads or processes do not mix.
void write_to_stderr(log_level, std::string_view message) noexcept {
  try {
    std::string line(message);
    if (line.empty() || line.back() != '\n') line += '\n';
    [[maybe_unused]] auto const written = ::write(STDERR_FILENO, line.data(), line.size());
  } catch (...) {  // no memory for the line end
    [[maybe_unused]] auto const written = ::write(STDERR_FILENO, message.data(), message.size());
  }
}

std::atomic<log_hook> current_hook{write_to_stderr};

}  // namespace

log_hook set_log_hook(log_hook hook) noexcept {
  return current_hook.exchange(hook != nullptr ? hook : write_to_stderr);
}

void log(log_level level, std::string_view message) noexcept {
  current_hook.load(std::memory_order_acquire)(level, message);
}

}  // namespace weft::inline v0
