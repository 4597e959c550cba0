// The churn load: clients that connect, send a message, await its echo, close, and begin anew.
//
// They close first and in order, as most clients do, so what they leave are connections in
// TIME_WAIT. Each keeps one port of one address of the client busy; connections come from many
// addresses of 127.0.0.0/8, so that ports never run out. Closing with a reset instead (SO_LINGER 0)
// would leave nothing, but the servers would be measured at handling errors.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "support/file_descriptor.hpp"
#include "support/load.hpp"

namespace bench {

class churn_load {
 public:
  static constexpr std::size_t message_size = 64;

  churn_load(std::uint16_t port, std::size_t clients);

  // A request is a connection; its latency is from before connecting to the answer. Throws when an
  // answer is wrong, or none comes for ten seconds.
  phase run(limit const& until);

 private:
  struct client {
    file_descriptor socket;
    std::array<char, message_size> message;
    std::size_t received = 0;
    std::int64_t start = 0;  // nanoseconds
  };

  void begin(client& with, std::int64_t now);
  void receive(client& with);
  void end(client& with);

  std::uint16_t port_;
  std::vector<client> clients_;
  file_descriptor poller_;
  std::uint64_t connected_ = 0;  // so many so far

  phase phase_;  // the present one
  std::int64_t end_ = 0;
  std::uint64_t left_ = 0;  // connections that may still begin
  std::size_t outstanding_ = 0;
};

}  // namespace bench
