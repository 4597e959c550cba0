// How many processors there are for this process.
#include <sched.h>

#include <algorithm>
#include <cerrno>
#include <fstream>
#include <string>

#include "weft/executor.hpp"

namespace weft::inline v0 {

namespace {

constexpr std::size_t no_limit = ~std::size_t{0};

// The mask may be larger than the usual one, and the kernel says only that it is.
std::size_t processors_in_mask() noexcept {
  constexpr std::size_t most = 1 << 16;
  for (std::size_t count = CPU_SETSIZE; count <= most; count *= 2) {
    cpu_set_t* const mask = CPU_ALLOC(count);
    if (mask == nullptr) break;
    std::size_t const size = CPU_ALLOC_SIZE(count);
    int const result = ::sched_getaffinity(0, size, mask);
    int const error = errno;
    std::size_t const found = result == 0 ? static_cast<std::size_t>(CPU_COUNT_S(size, mask)) : 0;
    CPU_FREE(mask);
    if (result == 0) return found;
    if (error != EINVAL) break;
  }
  return no_limit;
}

// "max 100000" or "200000 100000": microseconds of processor time, and of what period.
std::size_t processors_in_quota(std::string const& directory) {
  std::string quota;
  double period = 0;
  std::ifstream(directory + "/cpu.max") >> quota >> period;
  if (quota.empty() || quota == "max" || period <= 0) return no_limit;
  return std::max<std::size_t>(static_cast<std::size_t>(std::stod(quota) / period), 1);
}

// The quota of the cgroup (version 2) and of all that it is in. The root has none.
std::size_t processors_in_cgroup() try {
  std::size_t least = no_limit;
  std::ifstream file("/proc/self/cgroup");
  for (std::string line; std::getline(file, line);) {
    if (!line.starts_with("0::")) continue;
    for (std::string path = line.substr(3); path.size() > 1; path.resize(path.rfind('/')))
      least = std::min(least, processors_in_quota("/sys/fs/cgroup" + path));
  }
  return least;
} catch (std::exception const&) {
  return no_limit;
}

}  // namespace

std::size_t usable_processors() noexcept {
  std::size_t const usable = std::min(processors_in_mask(), processors_in_cgroup());
  return usable == no_limit ? 1 : std::max<std::size_t>(usable, 1);
}

}  // namespace weft::inline v0
