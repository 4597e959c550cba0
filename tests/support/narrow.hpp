// A stream that moves at most so many bytes at a time, and records how many it was asked for.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

namespace support {

template <class Stream>
class narrow {
 public:
  explicit narrow(Stream& inner, std::size_t most = static_cast<std::size_t>(-1))
      : inner_(inner), most_(most) {}

  auto read_some(std::span<std::byte> buffer) {
    asked.push_back(buffer.size());
    return inner_.read_some(buffer.first(std::min(most_, buffer.size())));
  }
  auto write_some(std::span<std::byte const> bytes) {
    asked.push_back(bytes.size());
    return inner_.write_some(bytes.first(std::min(most_, bytes.size())));
  }

  std::vector<std::size_t> asked;

 private:
  Stream& inner_;
  std::size_t most_;
};

}  // namespace support
