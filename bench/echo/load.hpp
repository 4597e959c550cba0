// The echo load: connections that send a message, await its echo and send the next one. It is raw
// epoll in the style of C, like the fastest server, because it must outrun all of them.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "support/file_descriptor.hpp"
#include "support/load.hpp"

namespace bench {

class echo_load {
 public:
  // Connects to the port on 127.0.0.1.
  echo_load(std::uint16_t port, std::size_t connections, std::size_t size);

  // Throws when an echo differs from what was sent, or none comes for ten seconds.
  phase run(limit const& until);

  // The same, but all clients send at once, and again when each has its answer.
  phase run_in_step(std::uint64_t requests);

 private:
  struct connection {
    file_descriptor socket;
    std::size_t sent = 0;      // of the message
    std::size_t received = 0;  // of its echo
    std::size_t offset = 0;    // of the message, in the text
    std::int64_t start = 0;    // nanoseconds
    bool awaiting = false;
  };

  [[nodiscard]] bool may_begin(std::int64_t now) const noexcept { return left_ != 0 && now < end_; }
  void begin_all();
  void begin(connection& with, std::int64_t now);
  void send(connection& to);
  void receive(connection& from);
  void verify(connection const& from, std::size_t count) const;
  void end(connection& with);

  std::size_t size_;
  std::vector<char> text_;  // a message is a piece of it
  std::vector<connection> connections_;
  file_descriptor poller_;
  std::array<char, 65536> buffer_;

  phase phase_;  // the present one
  std::int64_t end_ = 0;
  std::uint64_t left_ = 0;  // requests that may still begin
  std::size_t outstanding_ = 0;
  bool in_step_ = false;
};

}  // namespace bench
