// See thread_times.hpp.
#include "thread_times.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <charconv>
#include <ctime>

#include <fmt/format.h>

namespace weft::inline v0::detail {

namespace {

// The second number in /proc/PID/schedstat; see Documentation/scheduler/sched-stats.rst. It is not
// there without CONFIG_SCHED_INFO.
std::int64_t queued_by(pid_t thread) noexcept {
  std::array<char, 64> path{};
  fmt::format_to_n(path.data(), path.size() - 1, "/proc/self/task/{}/schedstat", thread);
  int const file = ::open(path.data(), O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  std::array<char, 128> text{};
  ssize_t const size = ::read(file, text.data(), text.size());
  ::close(file);
  char const* const end = text.data() + (size > 0 ? size : 0);
  std::int64_t on_processor = 0;
  std::int64_t queued = 0;
  auto const first = std::from_chars(text.data(), end, on_processor);
  if (first.ptr == end) return 0;
  std::from_chars(first.ptr + 1, end, queued);
  return queued;
}

}  // namespace

thread_times thread_times::of(pid_t thread, clockid_t processor_clock) noexcept {
  timespec on_processor{};
  ::clock_gettime(processor_clock, &on_processor);
  return {.computed = on_processor.tv_sec * std::int64_t{1'000'000'000} + on_processor.tv_nsec,
          .queued = queued_by(thread)};
}

}  // namespace weft::inline v0::detail
