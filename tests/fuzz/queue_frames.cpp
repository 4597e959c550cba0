// Nobody without the key is let in, and nothing is taken for a frame that was not sealed, whatever
// the bytes.
#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "check.hpp"
#include "queue/frame.hpp"
#include "queue/handshake.hpp"
#include "weft/net/queue/error.hpp"

namespace {

using namespace weft::detail;  // NOLINT(google-build-using-namespace)

template <std::size_t Size>
std::array<std::byte, Size> beginning_of(std::span<std::byte const> bytes) {
  std::array<std::byte, Size> begin{};
  std::ranges::copy(bytes.first(std::min(bytes.size(), Size)), begin.begin());
  return begin;
}

void check_handshake(std::span<std::byte const> bytes) {
  server_handshake server("key");
  check(!server.verify(beginning_of<handshake::answer_bytes>(bytes)));
  client_handshake client("key");
  try {
    (void)client.answer(beginning_of<handshake::hello_bytes>(bytes));
    client.confirm(beginning_of<handshake::verdict_bytes>(
        bytes.subspan(std::min(bytes.size(), handshake::hello_bytes))));
    check(false);
  } catch (weft::net::authentication_error const&) {}
}

void check_frames(std::span<std::byte const> bytes) {
  static digest const key = hmac_of(std::as_bytes(std::span("key", 3)), {});
  frame_opener opener(key, 1'000);
  try {
    opener.feed(bytes);
    check(!opener.next());  // none is whole
    check(bytes.size() < frame_header_bytes + 1'000 + digest_bytes);
  } catch (weft::net::frame_error const&) {}
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  auto const bytes = std::as_bytes(std::span(data, size));
  check_handshake(bytes);
  check_frames(bytes);
  return 0;
}
