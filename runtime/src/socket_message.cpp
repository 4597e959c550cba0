// See socket_message.hpp and unix(7).
#include "socket_message.hpp"

#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <cstring>

namespace weft::inline v0::detail {

namespace {

constexpr std::size_t control_bytes = CMSG_SPACE(sizeof(int) * passed_descriptors_max);

}  // namespace

int send_message(int socket, std::span<std::byte const> head, std::span<std::byte const> rest,
                 std::span<int const> descriptors, int flags) noexcept {
  // sendmsg(2) does not write through the pointers.
  std::array<iovec, 2> parts{
      {{.iov_base = const_cast<std::byte*>(head.data()), .iov_len = head.size()},
       {.iov_base = const_cast<std::byte*>(rest.data()), .iov_len = rest.size()}}};
  alignas(cmsghdr) std::array<char, control_bytes> control{};
  msghdr message{};
  message.msg_iov = parts.data();
  message.msg_iovlen = rest.empty() ? 1 : 2;
  if (descriptors.size() > passed_descriptors_max) return ETOOMANYREFS;
  if (!descriptors.empty()) {
    message.msg_control = control.data();
    message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
    cmsghdr* const part = CMSG_FIRSTHDR(&message);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(descriptors.size_bytes());
    std::memcpy(CMSG_DATA(part), descriptors.data(), descriptors.size_bytes());
  }
  while (::sendmsg(socket, &message, MSG_NOSIGNAL | flags) < 0)
    if (errno != EINTR) return errno;
  return 0;
}

received_message receive_message(int socket, std::span<std::byte> into,
                                 std::vector<int>& descriptors, int flags) {
  iovec part{.iov_base = into.data(), .iov_len = into.size()};
  alignas(cmsghdr) std::array<char, control_bytes> control{};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control.data();
  message.msg_controllen = control.size();
  descriptors.clear();
  received_message received;
  do received.size = ::recvmsg(socket, &message, MSG_CMSG_CLOEXEC | flags);
  while (received.size < 0 && errno == EINTR);
  if (received.size < 0) {
    received.error = errno;
    return received;
  }
  received.descriptors_lost = (message.msg_flags & MSG_CTRUNC) != 0;
  for (cmsghdr* each = CMSG_FIRSTHDR(&message); each != nullptr;
       each = CMSG_NXTHDR(&message, each)) {
    if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_RIGHTS) continue;
    std::size_t const count = (each->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    descriptors.resize(descriptors.size() + count);
    std::memcpy(descriptors.data() + descriptors.size() - count, CMSG_DATA(each),
                count * sizeof(int));
  }
  return received;
}

}  // namespace weft::inline v0::detail
