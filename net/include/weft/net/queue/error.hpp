// How a connection to a queue server fails, beyond what the network does.
#pragma once

#include <stdexcept>

#include "weft/detail/compiler.hpp"

namespace weft::inline v0::net {

// One end has not got the key, or is no end of a queue at all. Says nothing of the key.
class WEFT_API authentication_error : public std::runtime_error {
 public:
  using runtime_error::runtime_error;
};

// What came after the handshake is not what the other end has sent: it was changed, repeated or
// left out on the way, or is larger than this end takes. The connection is of no use any more.
class WEFT_API frame_error : public std::runtime_error {
 public:
  using runtime_error::runtime_error;
};

}  // namespace weft::inline v0::net
