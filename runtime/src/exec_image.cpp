// Arguments, environment and search path as the kernel wants them.
#include "exec_image.hpp"

#include <unistd.h>

#include <cstddef>
#include <ranges>
#include <stdexcept>

#include <fmt/format.h>

namespace weft::inline v0::detail {

namespace {

// Where programs are when the environment does not say; see exec(3).
constexpr std::string_view default_path = "/bin:/usr/bin";

// The kernel only reads the texts; its interface is older than const.
char* plain(std::string const& text) { return const_cast<char*>(text.c_str()); }  // NOLINT

std::string_view name_of(std::string_view variable) {
  return variable.substr(0, variable.find('='));
}

}  // namespace

void require_no_nul(std::string_view text, char const* what) {
  if (text.find('\0') != std::string_view::npos)
    throw std::invalid_argument(fmt::format("weft: {} has a NUL byte in it", what));
}

exec_image::exec_image(std::span<std::string const> arguments, environment_changes const& changes,
                       bool inherits_environment) {
  for (auto const& argument : arguments) {
    require_no_nul(argument, "an argument of a command");
    arguments_.push_back(plain(argument));
  }
  arguments_.push_back(nullptr);
  set_environment(changes, inherits_environment);
  find_candidates(arguments.front());
}

void exec_image::set_environment(environment_changes const& changes, bool inherits) {
  if (inherits && environ != nullptr)
    for (char** variable = environ; *variable != nullptr; ++variable)
      if (!changes.contains(name_of(*variable))) environment_.push_back(*variable);
  auto const set = [](auto const& change) { return change.second.has_value(); };
  variables_.reserve(changes.size());  // for the pointers to hold
  for (auto const& [name, value] : changes | std::views::filter(set)) {
    require_no_nul(*value, "a variable of a command");
    variables_.push_back(name + '=' + *value);
    environment_.push_back(plain(variables_.back()));
  }
  environment_.push_back(nullptr);
}

std::string_view exec_image::search_path() const noexcept {
  constexpr std::string_view prefix = "PATH=";
  for (char const* const variable : environment_ | std::views::take(environment_.size() - 1))
    if (std::string_view(variable).starts_with(prefix))
      return std::string_view(variable).substr(prefix.size());
  return default_path;
}

// An empty element of PATH is the current directory, as of old.
void exec_image::find_candidates(std::string const& program) {
  if (program.empty() || program.find('/') != std::string::npos) {
    candidates_ = {program.c_str(), nullptr};
    return;
  }
  std::string_view rest = search_path();
  for (bool last = false; !last;) {
    std::size_t const end = rest.find(':');
    last = end == std::string_view::npos;
    std::string_view const directory = rest.substr(0, end);
    paths_.push_back(directory.empty() ? program : fmt::format("{}/{}", directory, program));
    if (!last) rest.remove_prefix(end + 1);
  }
  for (auto const& path : paths_) candidates_.push_back(path.c_str());
  candidates_.push_back(nullptr);
}

}  // namespace weft::inline v0::detail
