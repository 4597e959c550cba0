// Ending the program, and translating errnos.
#include "weft/error.hpp"

#include <unistd.h>

#include <array>
#include <cstdlib>
#include <cstring>

#include <fmt/format.h>

#include "fatal.hpp"

namespace weft::inline v0::detail {

void fatal(std::string_view message) noexcept {
  std::array<char, 1024> line{};
  auto const written = fmt::format_to_n(line.data(), line.size() - 1, "{}", message);
  *written.out = '\n';
  auto const size = static_cast<std::size_t>(written.out - line.data()) + 1;
  [[maybe_unused]] auto const printed = ::write(STDERR_FILENO, line.data(), size);
  std::abort();
}

void fatal(char const* call, int error) noexcept {
  fatal(fmt::format("weft: {} failed: {}", call, std::strerror(error)));
}

void throw_system_error(int error, std::string const& what) {
  if (error == ENOMEM) throw std::bad_alloc();
  throw std::system_error(error, std::system_category(), what);
}

}  // namespace weft::inline v0::detail
