// What Weft says of tasks that hold up the loop, kept for the tour to show in its place.
#pragma once

#include <mutex>
#include <string>
#include <string_view>
#include <utility>

#include <weft/log.hpp>

namespace tour {

// While it lives, what is logged is kept. It may come on any thread.
class advice {
 public:
  advice() : before_(weft::set_log_hook(keep)) {}
  advice(advice const&) = delete;
  advice& operator=(advice const&) = delete;
  ~advice() { weft::set_log_hook(before_); }

  // All that was said since the last time.
  static std::string take() {
    std::lock_guard const lock(mutex);
    return std::exchange(said, {});
  }

 private:
  static void keep(weft::log_level, std::string_view message) noexcept {
    std::lock_guard const lock(mutex);
    said.append(message).append("\n");
  }

  static inline std::mutex mutex;
  static inline std::string said;

  weft::log_hook before_;
};

}  // namespace tour
