// The bytes of the Redis protocol, by hiredis, which is known to protocol.cpp alone.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "weft/net/redis/reply.hpp"

namespace weft::inline v0::detail {

// A command as it is sent. Throws std::bad_alloc.
std::string format_redis_command(std::vector<std::string> const& arguments);

// Takes the bytes of a server as they come, and yields the replies in them.
class redis_reader {
 public:
  explicit redis_reader(std::size_t limit_bytes);
  redis_reader(redis_reader const&) = delete;
  redis_reader& operator=(redis_reader const&) = delete;
  ~redis_reader();

  void feed(std::span<std::byte const> bytes);

  // The next reply that is whole; none until more bytes have come. Throws std::runtime_error for
  // what is no Redis protocol, or a reply that has more bytes than the limit; nothing more can be
  // read then.
  std::optional<net::redis_reply> next();

 private:
  struct parser;

  std::size_t limit_bytes_;
  std::size_t fed_bytes_ = 0;  // since the last reply that was whole
  std::unique_ptr<parser> parser_;
};

}  // namespace weft::inline v0::detail
