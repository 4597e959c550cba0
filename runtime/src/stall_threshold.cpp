// See stall_threshold.hpp.
#include "stall_threshold.hpp"

#include <charconv>
#include <cstdlib>
#include <stdexcept>
#include <string_view>

#include <fmt/format.h>

namespace weft::inline v0::detail {

namespace {

using namespace std::chrono_literals;

#ifdef NDEBUG
constexpr std::chrono::nanoseconds otherwise = 0ns;
#else
constexpr std::chrono::nanoseconds otherwise = 50ms;
#endif

// The nanoseconds of a unit; 0 of one that there is not.
std::chrono::nanoseconds unit(std::string_view name) {
  if (name == "us") return 1us;
  if (name == "ms") return 1ms;
  if (name == "s") return 1s;
  return 0ns;
}

// Nothing when it is none.
std::optional<std::chrono::nanoseconds> duration_in(std::string_view text) {
  constexpr int longest = 1'000'000'000;
  int count = 0;
  auto const [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  auto const of = unit(text.substr(static_cast<std::size_t>(end - text.data())));
  if (error != std::errc() || count <= 0 || count > longest || of == 0ns) return std::nullopt;
  return count * of;
}

}  // namespace

std::chrono::nanoseconds stall_threshold(std::optional<std::chrono::nanoseconds> wanted) {
  if (wanted) return *wanted;
  char const* const value = std::getenv("WEFT_STALL");
  if (value == nullptr || *value == '\0') return otherwise;
  std::string_view const text = value;
  if (text == "off") return 0ns;
  if (auto const duration = duration_in(text)) return *duration;
  throw std::invalid_argument(fmt::format(
      "WEFT_STALL={}: that is no duration; use one like 50ms, 1s or 500us, or off", text));
}

}  // namespace weft::inline v0::detail
