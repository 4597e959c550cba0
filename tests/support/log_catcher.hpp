// What is logged, for tests to look at.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "weft/log.hpp"

namespace support {

// Collects what is logged on this thread while it lives. One at a time.
class log_catcher {
 public:
  log_catcher() : before_(weft::set_log_hook(keep)) { kept.clear(); }
  log_catcher(log_catcher const&) = delete;
  log_catcher& operator=(log_catcher const&) = delete;
  ~log_catcher() { weft::set_log_hook(before_); }

  [[nodiscard]] std::vector<std::string> const& lines() const noexcept { return kept; }

 private:
  static void keep(weft::log_level, std::string_view message) noexcept {
    kept.emplace_back(message);
  }

  static inline thread_local std::vector<std::string> kept;

  weft::log_hook before_;
};

}  // namespace support
