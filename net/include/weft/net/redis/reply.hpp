// What a Redis server answers: a value of one of the kinds of its protocol (RESP2), which may hold
// others. See https://redis.io/docs/latest/develop/reference/protocol-spec/.
#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

#include "weft/detail/compiler.hpp"

namespace weft::inline v0::net {

struct redis_reply {
  enum class kind : std::uint8_t { nil, integer, status, string, error, array };

  kind type = kind::nil;
  std::int64_t integer = 0;        // of an integer
  std::string text;                // of a status, a string (any bytes) or an error
  std::vector<redis_reply> items;  // of an array

  [[nodiscard]] bool is_nil() const noexcept { return type == kind::nil; }

  // Whether it is the status OK.
  [[nodiscard]] bool is_ok() const noexcept { return type == kind::status && text == "OK"; }

  friend bool operator==(redis_reply const&, redis_reply const&) = default;
};

// The server refuses a command: "WRONGTYPE Operation against a key holding ...".
class WEFT_API redis_error : public std::runtime_error {
 public:
  using runtime_error::runtime_error;

  // The first word, in capitals by custom: "WRONGTYPE".
  [[nodiscard]] std::string code() const;
};

}  // namespace weft::inline v0::net
