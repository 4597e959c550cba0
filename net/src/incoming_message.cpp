// See incoming_message.hpp; recvmsg(2).
#include "weft/net/detail/incoming_message.hpp"

#include <sys/socket.h>

#include <new>

namespace weft::inline v0::detail {

static_assert(sizeof(msghdr) + sizeof(iovec) == incoming_message::storage_size);

incoming_message::incoming_message(std::span<std::byte> into) noexcept {
  auto* const piece = new (storage_.data() + sizeof(msghdr)) iovec{into.data(), into.size()};
  header_ = new (storage_.data()) msghdr{};
  header_->msg_name = address_.storage.data();
  header_->msg_namelen = address_.size;
  header_->msg_iov = piece;
  header_->msg_iovlen = 1;
}

socket_address const& incoming_message::from() noexcept {
  address_.size = header_->msg_namelen;
  return address_;
}

bool incoming_message::is_truncated() const noexcept {
  return (header_->msg_flags & MSG_TRUNC) != 0;
}

}  // namespace weft::inline v0::detail
