// One datagram on its way out of the kernel, with the address it comes from.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "weft/net/detail/socket_address.hpp"

struct msghdr;  // <sys/socket.h>

namespace weft::inline v0::detail {

// The arguments of recvmsg(2), and what it says besides the size. It points into itself, and the
// kernel writes to it while the call is in flight. The public headers need no <sys/socket.h>.
class WEFT_API incoming_message {
 public:
  static constexpr std::size_t storage_size = 72;  // a msghdr and an iovec

  explicit incoming_message(std::span<std::byte> into) noexcept;
  incoming_message(incoming_message const&) = delete;
  incoming_message& operator=(incoming_message const&) = delete;
  ~incoming_message() = default;

  [[nodiscard]] msghdr* header() const noexcept { return header_; }

  // Once it has arrived. Where it came from; no bytes at all for a sender without an address.
  [[nodiscard]] socket_address const& from() noexcept;
  // Whether its end did not fit.
  [[nodiscard]] bool is_truncated() const noexcept;

 private:
  socket_address address_;
  alignas(8) std::array<std::byte, storage_size> storage_;
  msghdr* header_;
};

}  // namespace weft::inline v0::detail
