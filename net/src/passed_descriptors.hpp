// Descriptors on their way through Unix sockets, as control messages. See unix(7), "Ancillary
// messages", and cmsg(3).
#pragma once

#include <sys/socket.h>

#include <array>
#include <cstddef>
#include <optional>
#include <span>

#include "weft/descriptor.hpp"
#include "weft/net/unix.hpp"

namespace weft::inline v0::detail {

// Of one message; the kernel takes no more (SCM_MAX_FD).
inline constexpr std::size_t passed_max = 253;

// Throws std::invalid_argument.
void require_passable(std::span<int const> descriptors);

// Room for the control messages of one message.
class control_messages {
 public:
  control_messages() noexcept {}  // NOLINT(modernize-use-equals-default): which would clear it
  control_messages(control_messages const&) = delete;
  control_messages& operator=(control_messages const&) = delete;

  // Sends them along with the message.
  void attach(msghdr& to, std::span<int const> descriptors) noexcept;

  // Lets the message bring at most so many.
  void make_room(msghdr& in, std::size_t descriptors) noexcept;

 private:
  alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(ucred)) +
                                             CMSG_SPACE(sizeof(int) * passed_max)> bytes_;
};

// What a message brought besides its bytes.
struct brought {
  std::size_t descriptors = 0;
  bool descriptors_lost = false;
  std::optional<net::credentials> sender;
};

// Takes what came with the message: as many descriptors as there are places, first come first; any
// others are closed.
brought take_from(msghdr& message, std::span<descriptor> places) noexcept;

}  // namespace weft::inline v0::detail
