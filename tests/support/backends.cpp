// See backends.hpp.
#include "backends.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iterator>
#include <thread>

#include "simulated_backend.hpp"

namespace support {

chosen_backend uring::make(int wake_fd) {
  weft::detail::uring_settings settings;
  if (char const* const sizes = std::getenv("WEFT_TEST_RING"))
    if (std::sscanf(sizes, "%u,%u", &settings.entries, &settings.completion_entries) != 2)
      throw std::invalid_argument("WEFT_TEST_RING must be SQ,CQ");
  if (char const* const mask = std::getenv("WEFT_TEST_WITHOUT_FLAGS"))
    settings.setup_flags = ~static_cast<unsigned>(std::strtoul(mask, nullptr, 0));
  if (char const* const none = std::getenv("WEFT_TEST_WITHOUT_OPCODES"); none && *none == '1')
    settings.opcodes = std::uint64_t{1} << 6;  // IORING_OP_POLL_ADD alone
  return {weft::detail::make_uring_backend(wake_fd, settings), "the test asked for it"};
}

chosen_backend epoll::make(int wake_fd) {
  return {weft::detail::make_epoll_backend(wake_fd), "the test asked for it"};
}

chosen_backend simulated::make(int wake_fd) {
  return {std::make_unique<simulated_backend>(wake_fd), "the test asked for it"};
}

std::size_t open_descriptors() {
  namespace fs = std::filesystem;
  return static_cast<std::size_t>(
      std::distance(fs::directory_iterator("/proc/self/fd"), fs::directory_iterator()));
}

bool descriptors_fall_to(std::size_t number) {
  using namespace std::chrono_literals;
  auto const end = std::chrono::steady_clock::now() + 10s;
  while (open_descriptors() > number) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(1ms);
  }
  return true;
}

}  // namespace support
