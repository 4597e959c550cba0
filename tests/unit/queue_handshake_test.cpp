// What proves the key, and what it does not let through.
#include "queue/handshake.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <fmt/format.h>

#include "queue/frame.hpp"
#include "support/bytes.hpp"
#include "weft/net/queue/error.hpp"

#include <doctest/doctest.h>

using support::bytes_of;
using weft::detail::client_handshake;
using weft::detail::frame_opener;
using weft::detail::frame_sealer;
using weft::detail::server_handshake;
using weft::net::authentication_error;
using weft::net::frame_error;

namespace {

constexpr auto key = "correct horse battery staple";

std::string hex(std::span<std::byte const> bytes) {
  std::string text;
  for (std::byte const each : bytes) text += fmt::format("{:02x}", std::to_integer<int>(each));
  return text;
}

// The bytes with one bit turned.
template <std::size_t Size>
std::array<std::byte, Size> turned(std::array<std::byte, Size> bytes, std::size_t bit) {
  bytes[bit / 8] ^= static_cast<std::byte>(1u << bit % 8);
  return bytes;
}

std::string sealed(frame_sealer& sealer, std::string_view contents) {
  std::string frame;
  sealer.seal(bytes_of(contents), frame);
  return frame;
}

weft::detail::digest const session_key =
    weft::detail::hmac_of(bytes_of(key), {bytes_of("a session")});

}  // namespace

TEST_CASE("HMAC-SHA-256 is that of RFC 4231") {
  auto const made = weft::detail::hmac_of(bytes_of("Jefe"),
                                          {bytes_of("what do ya want "), bytes_of("for nothing?")});
  CHECK(hex(made) == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  weft::detail::keyed_hmac again(bytes_of("Jefe"));
  for (int i = 0; i < 3; ++i) CHECK(again.of({bytes_of("what do ya want for nothing?")}) == made);
}

TEST_CASE("two ends with the same key accept each other, and get the same session keys") {
  server_handshake server(key);
  client_handshake client(key);
  REQUIRE(server.verify(client.answer(server.hello())));
  client.confirm(server.acceptance());
  CHECK(server.keys().to_server == client.keys().to_server);
  CHECK(server.keys().to_client == client.keys().to_client);
  CHECK(server.keys().to_client != server.keys().to_server);

  server_handshake other_server(key);
  REQUIRE(other_server.verify(client.answer(other_server.hello())));
  CHECK(other_server.keys().to_server != server.keys().to_server);
}

TEST_CASE("an end that has not got the key is refused, and finds out") {
  server_handshake server(key);
  client_handshake client("wrong horse");
  CHECK_FALSE(server.verify(client.answer(server.hello())));
  std::array<std::byte, weft::detail::handshake::verdict_bytes> const refusal{};
  CHECK_THROWS_WITH_AS(client.confirm(refusal), "weft: the queue server refuses the key",
                       authentication_error);
  CHECK_THROWS_WITH_AS(client.confirm(server.acceptance()),
                       "weft: the queue server has not got the key itself", authentication_error);
  CHECK_THROWS_AS(server_handshake(""), std::invalid_argument);
  CHECK_THROWS_AS(client_handshake(""), std::invalid_argument);
}

TEST_CASE("whatever bit is turned on the way, the handshake fails") {
  server_handshake server(key);
  client_handshake client(key);
  auto const hello = server.hello();
  for (std::size_t bit = 0; bit < 8 * hello.size(); ++bit) {
    CAPTURE(bit);
    bool accepted = false;
    try {
      accepted = server.verify(client.answer(turned(hello, bit)));
    } catch (authentication_error const&) {}
    CHECK_FALSE(accepted);
  }
  auto const answer = client.answer(hello);
  for (std::size_t bit = 0; bit < 8 * answer.size(); ++bit)
    CHECK_FALSE(server.verify(turned(answer, bit)));
  REQUIRE(server.verify(answer));
  auto const acceptance = server.acceptance();
  for (std::size_t bit = 0; bit < 8 * acceptance.size(); ++bit)
    CHECK_THROWS_AS(client.confirm(turned(acceptance, bit)), authentication_error);
  client.confirm(acceptance);
}

TEST_CASE("a recorded handshake is of no use, nor is one's own sent back") {
  server_handshake recorded(key);
  client_handshake client(key);
  auto const answer = client.answer(recorded.hello());
  REQUIRE(recorded.verify(answer));
  auto const acceptance = recorded.acceptance();

  server_handshake fresh(key);
  CHECK_FALSE(fresh.verify(answer));
  client_handshake later(key);
  (void)later.answer(recorded.hello());
  CHECK_THROWS_AS(later.confirm(acceptance), authentication_error);

  // Somebody without the key who says to each side what the other, or itself, has said.
  std::array<std::byte, weft::detail::handshake::verdict_bytes> reflected{std::byte{1}};
  std::ranges::copy(std::span(answer).last<32>(), reflected.begin() + 1);
  CHECK_THROWS_AS(client.confirm(reflected), authentication_error);
  std::array<std::byte, weft::detail::handshake::answer_bytes> echoed{};
  auto const hello = fresh.hello();
  std::ranges::copy(std::span(hello).last<32>(), echoed.begin());
  std::ranges::copy(std::span(acceptance).last<32>(), echoed.begin() + 32);
  CHECK_FALSE(fresh.verify(echoed));
}

TEST_CASE("frames arrive whole and in their order, however their bytes do") {
  for (std::size_t const piece : {1, 7, 1'000'000}) {
    frame_sealer sealer(session_key);
    frame_opener opener(session_key, 1'000);
    std::string bytes = sealed(sealer, "one");
    bytes += sealed(sealer, "");
    bytes += sealed(sealer, std::string(1'000, 'x'));
    std::vector<std::string> frames;
    for (std::size_t at = 0; at < bytes.size(); at += piece) {
      opener.feed(bytes_of(std::string_view(bytes).substr(at, piece)));
      while (auto frame = opener.next()) frames.push_back(*frame);
    }
    CHECK(frames == std::vector<std::string>{"one", "", std::string(1'000, 'x')});
  }
}

TEST_CASE("a frame that is changed, repeated, left out or of another session is refused") {
  frame_sealer sealer(session_key);
  std::string const first = sealed(sealer, "first");
  std::string const second = sealed(sealer, "second");
  auto const refused = [](std::string const& bytes, int good) {
    frame_opener opener(session_key, 1'000);
    opener.feed(bytes_of(bytes));
    for (int i = 0; i < good; ++i) REQUIRE(opener.next().has_value());
    CHECK_THROWS_AS(opener.next(), frame_error);
    CHECK_THROWS_AS(opener.next(), frame_error);
  };
  for (std::size_t at = 4; at < first.size(); ++at) {
    std::string changed = first;
    changed[at] = static_cast<char>(changed[at] ^ 0x10);
    refused(changed, 0);
  }
  refused(second, 0);
  refused(first + first, 1);
  auto other_key = session_key;
  other_key[0] ^= std::byte{1};
  frame_sealer other(other_key);
  refused(sealed(other, "first"), 0);
}

TEST_CASE("a frame that says to be larger than allowed is refused before it comes") {
  for (std::string_view const header :
       {std::string_view("\xff\xff\xff\xff", 4), std::string_view("\x80\0\0\0", 4),
        std::string_view("\x7f\xff\xff\xff", 4), std::string_view("\0\0\3\xe9", 4)}) {
    frame_opener opener(session_key, 1'000);
    opener.feed(bytes_of(header));
    CHECK_THROWS_AS(opener.next(), frame_error);
  }
  frame_opener opener(session_key, 1'000);
  opener.feed(bytes_of(std::string_view("\0\0\3\xe8", 4)));
  CHECK_FALSE(opener.next().has_value());
}
