// See protocol.hpp.
#include "redis/protocol.hpp"

#include <hiredis/hiredis.h>

#include <algorithm>
#include <cstdlib>
#include <new>
#include <stdexcept>
#include <string_view>
#include <utility>

#include <fmt/format.h>

namespace weft::inline v0 {

std::string net::redis_error::code() const {
  std::string_view const all = what();
  return std::string(all.substr(0, all.find(' ')));
}

namespace detail {

namespace {

using net::redis_reply;

// Redis nests a few arrays; more would only serve to exhaust the stack of whoever destroys them.
constexpr int depth_max = 32;

bool is_too_deep(redisReadTask const* task) noexcept {
  int depth = 0;
  for (; task != nullptr && depth <= depth_max; task = task->parent) ++depth;
  return depth > depth_max;
}

// A place for the next value: in the array that is being read, or for the reply as a whole. No
// other value is read in an array while one of its items is, so the places stay where they are.
// Called by hiredis, through which no exception may go: null is its word for no memory, and ours
// for what is refused.
template <class Fill>
void* make(redisReadTask const* task, Fill fill) noexcept {
  if (is_too_deep(task)) return nullptr;
  try {
    redis_reply filled;
    fill(filled);
    if (task->parent == nullptr) return new redis_reply(std::move(filled));
    auto& items = static_cast<redis_reply*>(task->parent->obj)->items;
    return &items.emplace_back(std::move(filled));
  } catch (std::bad_alloc const&) {
    return nullptr;
  }
}

redis_reply::kind kind_of(int type) noexcept {
  switch (type) {
    case REDIS_REPLY_STATUS: return redis_reply::kind::status;
    case REDIS_REPLY_ERROR: return redis_reply::kind::error;
    default: return redis_reply::kind::string;
  }
}

// The sizes that the server claims are believed only as its bytes come.
redisReplyObjectFunctions functions() noexcept {
  redisReplyObjectFunctions made{};
  made.createString = [](redisReadTask const* task, char* text, std::size_t size) {
    return make(task, [&](redis_reply& reply) {
      reply.type = kind_of(task->type);
      reply.text.assign(text, size);
    });
  };
  // The number of items is an int before hiredis 1.0, a size_t since.
  made.createArray = [](redisReadTask const* task, auto) {
    return make(task, [](redis_reply& reply) { reply.type = redis_reply::kind::array; });
  };
  made.createInteger = [](redisReadTask const* task, long long value) {
    return make(task, [&](redis_reply& reply) {
      reply.type = redis_reply::kind::integer;
      reply.integer = value;
    });
  };
  made.createNil = [](redisReadTask const* task) { return make(task, [](redis_reply&) {}); };
#if HIREDIS_MAJOR >= 1
  // Of a later protocol, which was not asked for.
  made.createDouble = [](redisReadTask const*, double, char*, std::size_t) -> void* {
    return nullptr;
  };
  made.createBool = [](redisReadTask const*, int) -> void* { return nullptr; };
#endif
  made.freeObject = [](void* reply) { delete static_cast<redis_reply*>(reply); };
  return made;
}

}  // namespace

std::string format_redis_command(std::vector<std::string> const& arguments) {
  std::vector<char const*> pointers;
  std::vector<std::size_t> sizes;
  for (auto const& argument : arguments) {
    pointers.push_back(argument.data());
    sizes.push_back(argument.size());
  }
  char* formatted = nullptr;
  auto const size = ::redisFormatCommandArgv(&formatted, static_cast<int>(arguments.size()),
                                             pointers.data(), sizes.data());
  if (size < 0) throw std::bad_alloc();
  std::unique_ptr<char, decltype([](char* text) { std::free(text); })> const owned(formatted);
  return {formatted, static_cast<std::size_t>(size)};
}

struct redis_reader::parser {
  redisReplyObjectFunctions how = functions();
  std::unique_ptr<redisReader, decltype([](redisReader* reader) { ::redisReaderFree(reader); })>
      reader{::redisReaderCreateWithFunctions(&how)};
};

redis_reader::redis_reader(std::size_t limit_bytes)
    : limit_bytes_(limit_bytes), parser_(std::make_unique<parser>()) {
  if (!parser_->reader) throw std::bad_alloc();
}

redis_reader::~redis_reader() = default;

void redis_reader::feed(std::span<std::byte const> bytes) {
  fed_bytes_ += bytes.size();
  if (::redisReaderFeed(parser_->reader.get(), reinterpret_cast<char const*>(bytes.data()),
                        bytes.size()) != REDIS_OK)
    throw std::bad_alloc();
}

std::optional<redis_reply> redis_reader::next() {
  auto& reader = *parser_->reader;
  void* read = nullptr;
  if (::redisReaderGetReply(&reader, &read) != REDIS_OK) {
    if (reader.err == REDIS_ERR_OOM)
      throw std::runtime_error("weft: a reply of Redis is nested too deep, or not to be stored");
    throw std::runtime_error(
        fmt::format("weft: what the server sent is no Redis protocol: {}", reader.errstr));
  }
  std::unique_ptr<redis_reply> const reply(static_cast<redis_reply*>(read));
  std::size_t const unread = reply ? reader.len - reader.pos : 0;  // of the next
  if (fed_bytes_ - unread > limit_bytes_)
    throw std::runtime_error(
        fmt::format("weft: a reply of Redis has more than {} bytes", limit_bytes_));
  if (!reply) return std::nullopt;
  fed_bytes_ = unread;
  return std::move(*reply);
}

}  // namespace detail
}  // namespace weft::inline v0
