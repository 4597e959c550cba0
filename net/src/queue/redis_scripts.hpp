// What a queue does inside the Redis server: each step that must be done whole or not at all is a
// script in Lua. redis_scripts.cpp has their texts.
#pragma once

#include <string>
#include <string_view>

namespace weft::inline v0::detail {

class redis_script {
 public:
  explicit redis_script(std::string_view body);

  [[nodiscard]] std::string const& text() const noexcept { return text_; }

  // By which EVALSHA knows it: the SHA-1 of the text, in hex.
  [[nodiscard]] std::string const& digest() const noexcept { return digest_; }

 private:
  std::string text_;
  std::string digest_;
};

// KEYS of each are those of redis_store::keys(); what is in ARGV their texts say. The first
// argument of those that deal with deliveries is the consumer that asks.
struct redis_scripts {
  redis_script put;
  redis_script ack;
  redis_script fail;
  redis_script extend;
  redis_script release;
  redis_script advance;
  redis_script reclaim;
  redis_script depth;
  redis_script extend_results;
  redis_script confirm_results;
  redis_script has_no_more_results;
  redis_script forget_consumers;

  static redis_scripts const& all();
};

}  // namespace weft::inline v0::detail
