// How the two ends of a queue's connection prove to each other that they have the key, without
// showing it: each signs its role and both sides' random numbers (HMAC-SHA-256, RFC 2104). Only
// bytes go in and out of here; nothing in them has a length, so nothing of a stranger's is parsed.
//
//   server   hello    "weftq/1\n" and 32 random bytes
//   client   answer   32 random bytes, and HMAC(key, "weftq/1 client" + server's + client's)
//   server   verdict  1 and HMAC(key, "weftq/1 server" + server's + client's); or 0 and nothing
//
// The keys of the session are HMAC(key, "weftq/1 to server" + ...) and "... to client".
#pragma once

#include <array>
#include <cstddef>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct evp_mac_ctx_st;  // OpenSSL's EVP_MAC_CTX

namespace weft::inline v0::detail {

inline constexpr std::size_t digest_bytes = 32;
using digest = std::array<std::byte, digest_bytes>;

// HMAC-SHA-256 under one key, which it is cheaper to set once than for each use: 0.3 us against 1.1
// for 100 bytes.
class keyed_hmac {
 public:
  // Throws std::runtime_error when the library has not got it.
  explicit keyed_hmac(std::span<std::byte const> key);

  // Of the parts, one after the other. Throws as above.
  digest of(std::initializer_list<std::span<std::byte const>> parts);

 private:
  struct context_deleter {
    void operator()(::evp_mac_ctx_st* context) const noexcept;
  };

  std::unique_ptr<::evp_mac_ctx_st, context_deleter> context_;
};

inline digest hmac_of(std::span<std::byte const> key,
                      std::initializer_list<std::span<std::byte const>> parts) {
  return keyed_hmac(key).of(parts);
}

// In a time that does not depend on where they differ.
bool are_equal(std::span<std::byte const> one, std::span<std::byte const> other) noexcept;

struct session_keys {
  digest to_server;
  digest to_client;
};

// What both ends sign.
class handshake {
 public:
  static constexpr std::size_t hello_bytes = 8 + digest_bytes;
  static constexpr std::size_t answer_bytes = 2 * digest_bytes;
  static constexpr std::size_t verdict_bytes = 1 + digest_bytes;

 protected:
  // Throws std::invalid_argument for an empty key: everybody has that.
  explicit handshake(std::string_view key);
  ~handshake();

  [[nodiscard]] digest signed_as(std::string_view role) const;
  [[nodiscard]] session_keys keys() const;

  digest servers_{};
  digest clients_{};

 private:
  std::string key_;
};

class server_handshake : private handshake {
 public:
  using handshake::keys;

  explicit server_handshake(std::string_view key);

  [[nodiscard]] std::array<std::byte, hello_bytes> hello() const;

  // Whether the client has the key.
  [[nodiscard]] bool verify(std::span<std::byte const, answer_bytes> answer);

  // For a client that has it.
  [[nodiscard]] std::array<std::byte, verdict_bytes> acceptance() const;
};

class client_handshake : private handshake {
 public:
  using handshake::keys;

  explicit client_handshake(std::string_view key);

  // Throws authentication_error for what is no hello of a queue server.
  [[nodiscard]] std::array<std::byte, answer_bytes> answer(
      std::span<std::byte const, hello_bytes> hello);

  // Throws authentication_error when the server refuses, or has not got the key itself.
  void confirm(std::span<std::byte const, verdict_bytes> verdict) const;
};

}  // namespace weft::inline v0::detail
