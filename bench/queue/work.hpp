// What the programs of this comparison do, in whichever language:
//   PROGRAM master ADDRESS BATCH BYTES TASKS
//     says "ADDRESS PROCESS...": where workers find it, and the processes whose time it costs; then
//     it obeys the lines that come in:
//     throughput SECONDS   puts TASKS tasks of so many bytes and gets their results, again and
//                          again for so long; says "TASKS NANOSECONDS"
//     latency SECONDS      puts BATCH tasks and gets their results, again and again for so long;
//                          says "P50 P99" of the nanoseconds from a put to a result in hand
//   PROGRAM worker ADDRESS BATCH BYTES
//     says "ready" when it is connected; then takes at most BATCH tasks and ends them, each with
//     its own value as the result.
#pragma once

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace queue_bench {

using clock = std::chrono::steady_clock;

inline constexpr std::size_t bytes_min = 16;  // a value begins with so many digits

// The numbered value of a task, of which no two are the same.
inline std::string value_of(std::uint64_t number, std::size_t bytes) {
  std::string value(bytes, 'x');
  for (std::size_t i = bytes_min; i-- > 0; number /= 10)
    value[i] = static_cast<char>('0' + number % 10);
  return value;
}

inline std::uint64_t number_of(std::string_view value, std::size_t bytes) {
  std::uint64_t number = 0;
  if (value.size() != bytes ||
      std::from_chars(value.data(), value.data() + value.size(), number).ec != std::errc())
    throw std::runtime_error("a result is no value that was put");
  return number;
}

// A line that the program is told.
struct order {
  std::string what;
  std::chrono::duration<double> how_long;

  explicit order(std::string_view line) : what(line.substr(0, line.find(' '))), how_long(0) {
    double seconds = 0;
    auto const at = line.substr(std::min(line.size(), what.size() + 1));
    if (std::from_chars(at.data(), at.data() + at.size(), seconds).ec != std::errc())
      throw std::runtime_error("no order: " + std::string(line));
    how_long = std::chrono::duration<double>(seconds);
  }
};

inline void say(std::string const& line) {
  std::puts(line.c_str());
  std::fflush(stdout);
}

inline void say_throughput(std::uint64_t tasks, clock::duration took) {
  say(std::to_string(tasks) + ' ' + std::to_string(std::chrono::nanoseconds(took).count()));
}

inline void say_latency(std::vector<std::int64_t>& nanoseconds) {
  std::ranges::sort(nanoseconds);
  auto const at = [&](std::size_t percent) {
    return std::to_string(nanoseconds[(nanoseconds.size() - 1) * percent / 100]);
  };
  say(at(50) + ' ' + at(99));
}

}  // namespace queue_bench
