// What execve(2) takes, as arrays of pointers: made before the clone, since the child must not
// allocate.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace weft::inline v0::detail {

// Changes to an environment; nullopt takes a variable away.
using environment_changes = std::map<std::string, std::optional<std::string>, std::less<>>;

class exec_image {
 public:
  // The program is the first of the arguments, which are borrowed, as is the parent's environment.
  // Throws std::invalid_argument when one of these texts has a NUL byte.
  exec_image(std::span<std::string const> arguments, environment_changes const& changes,
             bool inherits_environment);
  exec_image(exec_image const&) = delete;
  exec_image& operator=(exec_image const&) = delete;

  // Null-terminated. The paths to try, in their order; the arguments; the environment.
  [[nodiscard]] char const* const* candidates() const noexcept { return candidates_.data(); }
  [[nodiscard]] char* const* arguments() const noexcept { return arguments_.data(); }
  [[nodiscard]] char* const* environment() const noexcept { return environment_.data(); }

 private:
  void set_environment(environment_changes const& changes, bool inherits);
  void find_candidates(std::string const& program);
  [[nodiscard]] std::string_view search_path() const noexcept;

  std::vector<std::string> variables_;  // the pointers point into these
  std::vector<std::string> paths_;
  std::vector<char const*> candidates_;
  std::vector<char*> arguments_;
  std::vector<char*> environment_;
};

// Throws std::invalid_argument, saying what has a NUL byte in it, when `text` has.
void require_no_nul(std::string_view text, char const* what);

}  // namespace weft::inline v0::detail
