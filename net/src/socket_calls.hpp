// The calls that every message of a connection takes: recv(2) and send(2), see plain_call.hpp.
#pragma once

#include <sys/socket.h>
#include <sys/syscall.h>

#include <cstddef>

#include "plain_call.hpp"
#include "transfer.hpp"

namespace weft::inline v0::detail {

#if WEFT_PLAIN_CALLS

// recv(2) without waiting: the count, or -errno.
inline int receive_now(int socket, void* into, std::size_t size) noexcept {
  return static_cast<int>(plain_call(SYS_recvfrom, socket, reinterpret_cast<long>(into),
                                     static_cast<long>(size), MSG_DONTWAIT));
}

// send(2) without waiting and without SIGPIPE: the count, or -errno.
inline int send_now(int socket, void const* bytes, std::size_t size) noexcept {
  return static_cast<int>(plain_call(SYS_sendto, socket, reinterpret_cast<long>(bytes),
                                     static_cast<long>(size), MSG_DONTWAIT | MSG_NOSIGNAL));
}

#else

inline int receive_now(int socket, void* into, std::size_t size) noexcept {
  return result_of(::recv(socket, into, size, MSG_DONTWAIT));
}
inline int send_now(int socket, void const* bytes, std::size_t size) noexcept {
  return result_of(::send(socket, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL));
}

#endif

}  // namespace weft::inline v0::detail
