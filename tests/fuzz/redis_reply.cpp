// The replies of a Redis server are the same however their bytes arrive, and what is no protocol is
// refused, whatever the bytes.
#include <algorithm>
#include <cstdint>
#include <span>
#include <stdexcept>
#include <vector>

#include "check.hpp"
#include "redis/protocol.hpp"

namespace {

struct outcome {
  std::vector<weft::net::redis_reply> replies;
  bool is_refused = false;

  bool operator==(outcome const&) const = default;
};

outcome read_in_pieces(std::span<std::byte const> bytes, std::size_t piece) {
  outcome read;
  try {
    weft::detail::redis_reader reader(1 << 20);
    while (!bytes.empty()) {
      auto const next = bytes.first(std::min(piece, bytes.size()));
      bytes = bytes.subspan(next.size());
      reader.feed(next);
      while (auto reply = reader.next()) read.replies.push_back(std::move(*reply));
    }
  } catch (std::runtime_error const&) {
    read.is_refused = true;
  }
  return read;
}

}  // namespace

// The first byte chooses the size of the pieces.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  if (size == 0) return 0;
  auto const bytes = std::as_bytes(std::span(data, size)).subspan(1);
  check(read_in_pieces(bytes, data[0] % 16 + 1) == read_in_pieces(bytes, bytes.size() + 1));
  return 0;
}
