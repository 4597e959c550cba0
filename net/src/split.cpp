// How the write half says that it is gone, and the refusal of empty halves.
#include "weft/net/split.hpp"

#include <sys/socket.h>

#include <stdexcept>

namespace weft::inline v0::net {

void stream_half::refuse_empty() {
  throw std::logic_error("weft: an empty half of a stream (moved from) was used");
}

write_half::~write_half() {
  if (socket_) static_cast<void>(::shutdown(socket_->get(), SHUT_WR));
}

}  // namespace weft::inline v0::net
