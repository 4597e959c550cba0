// Messages on a SOCK_SEQPACKET socket: each arrives whole or not at all, and may bring descriptors.
// See unix(7).
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include <sys/types.h>

#include "weft/detail/compiler.hpp"

namespace weft::inline v0::detail {

inline constexpr std::size_t passed_descriptors_max = 253;  // SCM_MAX_FD of the kernel

// Sends one message of two parts with its descriptors; 0 or an errno. The flags are those of
// sendmsg(2); without MSG_DONTWAIT it waits for room.
int send_message(int socket, std::span<std::byte const> head, std::span<std::byte const> rest,
                 std::span<int const> descriptors, int flags = 0) noexcept;

struct received_message {
  ssize_t size = -1;  // of the message; 0 at the end, -1 with `error`
  int error = 0;
  bool descriptors_lost = false;
};

// Receives one message. The descriptors are close-on-exec and the caller's. The flags are those of
// recvmsg(2); without MSG_DONTWAIT it waits.
received_message receive_message(int socket, std::span<std::byte> into,
                                 std::vector<int>& descriptors, int flags = 0);

}  // namespace weft::inline v0::detail
