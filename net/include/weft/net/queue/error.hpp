// How a queue on the network fails, beyond what the network does.
#pragma once

#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "weft/detail/compiler.hpp"

namespace weft::inline v0::net {

// One end has not got the key, or is no end of a queue at all. Says nothing of the key.
class WEFT_API authentication_error : public std::runtime_error {
 public:
  using runtime_error::runtime_error;
};

// What came after the handshake is not what the other end has sent: it was changed, repeated or
// left out on the way, or is larger than this end takes; or it is authentic and means nothing. The
// connection is of no use any more.
class WEFT_API frame_error : public std::runtime_error {
 public:
  using runtime_error::runtime_error;
};

// The server has a reason not to do what was asked, and its text says which.
class WEFT_API refused_request : public std::runtime_error {
 public:
  using runtime_error::runtime_error;
};

// A task or a result that is larger than the queue takes.
class WEFT_API value_too_large : public std::length_error {
 public:
  using length_error::length_error;
};

// A task for a queue that has been closed.
class WEFT_API queue_closed : public std::runtime_error {
 public:
  using runtime_error::runtime_error;
};

// What was to be ended is not the caller's any more: its lease ran out, or the connection that it
// came over was lost. Nothing was changed; somebody else does the task, or has done it.
class WEFT_API lease_lost : public std::runtime_error {
 public:
  explicit lease_lost(std::vector<std::string> ids);

  // Of the tasks whose leases are lost. The other ones of the same call are ended.
  [[nodiscard]] std::vector<std::string> const& ids() const noexcept { return ids_; }

 private:
  std::vector<std::string> ids_;
};

// Thrown for the value of a result that is none: the task was given up.
class WEFT_API task_failed : public std::runtime_error {
 public:
  using runtime_error::runtime_error;
};

}  // namespace weft::inline v0::net
