// Datagrams that go to an echo server and come back, from one socket.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include <sys/socket.h>

#include "support/file_descriptor.hpp"
#include "support/load.hpp"

namespace bench {

class datagram_load {
 public:
  // Of a datagram, at least: each carries when it was sent, and its number.
  static constexpr std::size_t size_min = 16;

  // So many at a time, of so many bytes.
  datagram_load(std::uint16_t port, std::size_t in_flight, std::size_t size);

  phase run(limit const& until);

 private:
  struct stamp {
    std::int64_t sent_at;
    std::uint64_t number;
  };

  void send(std::size_t count);
  std::size_t receive(phase& into);

  file_descriptor socket_;
  std::size_t in_flight_;
  std::size_t size_;
  std::uint64_t sent_ = 0;
  std::uint64_t outstanding_ = 0;
  std::vector<std::byte> outgoing_;  // one place for each of a batch
  std::vector<std::byte> incoming_;
  std::vector<iovec> pieces_;
  std::vector<mmsghdr> messages_;
};

}  // namespace bench
