// A minimal backend with a virtual clock: proof that the seam holds. Operations are performed in
// the order in which they were started, between two ticks; when nothing is ready, time jumps to the
// next deadline.
#pragma once

#include <cstdint>
#include <vector>

#include <poll.h>

#include "backend.hpp"

namespace support {

class simulated_backend final : public weft::detail::backend {
 public:
  explicit simulated_backend(int wake_fd) : wake_fd_(wake_fd), asked_(1) {}

  [[nodiscard]] std::string_view name() const noexcept override { return "simulated"; }
  weft::detail::started start(weft::detail::io_operation& op, int& result) noexcept override;
  void cancel(weft::detail::io_operation& op) noexcept override;
  bool wait(std::int64_t deadline) noexcept override;
  int close(int fd) noexcept override;
  void forget(int) noexcept override {}
  [[nodiscard]] std::size_t in_flight() const noexcept override { return in_flight_.size(); }
  [[nodiscard]] std::int64_t now() noexcept override { return now_; }
  [[nodiscard]] std::uint64_t random() noexcept override;

 private:
  bool perform_what_can_be() noexcept;
  bool wait_for_descriptors(int milliseconds) noexcept;

  int wake_fd_;
  std::vector<weft::detail::io_operation*> in_flight_;
  std::vector<pollfd> asked_;  // has room for what start() and the wake descriptor need
  std::int64_t now_ = 1'000'000'000;
  std::uint64_t seed_ = 1;
};

}  // namespace support
