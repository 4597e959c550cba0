// Values as bytes and back: msgpack, with the few types that it does not know, and descriptors,
// which travel beside the bytes.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <filesystem>
#include <limits>
#include <memory>
#include <new>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

// msgpack's time points, which version 7 has without Boost too, are others on the wire and fail for
// durations of a minute or more. They are used only where a program has included them before.
#if !defined(MSGPACK_UNPACK_HPP)
#ifndef MSGPACK_NO_BOOST
#define MSGPACK_NO_BOOST
#endif
#define MSGPACK_TYPE_CPP11_CHRONO_HPP
#endif
#include <msgpack.hpp>

#if defined(MSGPACK_V1_TYPE_CPP11_CHRONO_HPP)
#define WEFT_MSGPACK_HAS_TIME_POINTS 1
#else
#define WEFT_MSGPACK_HAS_TIME_POINTS 0
#endif

#include "weft/transferable.hpp"

namespace weft::inline v0::detail {

// Where bytes are written: into the room that is given, and, when that is full, on the heap.
class byte_sink {
 public:
  explicit byte_sink(std::span<std::byte> room = {}) noexcept : room_(room) {}

  // What msgpack calls.
  void write(char const* from, std::size_t count) {
    if (overflow_.empty() && count <= room_.size() - used_) [[likely]] {
      std::memcpy(room_.data() + used_, from, count);
      used_ += count;
      return;
    }
    if (overflow_.empty()) overflow_.assign(room_.begin(), room_.begin() + used());
    auto const* const bytes = reinterpret_cast<std::byte const*>(from);
    overflow_.insert(overflow_.end(), bytes, bytes + count);
  }

  // Whether all of it is in the room.
  [[nodiscard]] bool fits() const noexcept { return overflow_.empty(); }
  [[nodiscard]] std::span<std::byte const> bytes() const noexcept {
    return fits() ? std::span<std::byte const>(room_.first(used_)) : overflow_;
  }
  void clear() noexcept {
    used_ = 0;
    overflow_.clear();
  }

 private:
  [[nodiscard]] std::ptrdiff_t used() const noexcept { return static_cast<std::ptrdiff_t>(used_); }

  std::span<std::byte> room_;
  std::size_t used_ = 0;
  std::vector<std::byte> overflow_;
};

// The descriptors that travel with the values that this thread encodes or decodes, while one of
// these exists. An end of a queue is encoded as the place of its descriptor among them.
class WEFT_API traveling_descriptors {
 public:
  // They are borrowed in encoding; whoever decodes takes them.
  explicit traveling_descriptors(std::vector<int>& open) noexcept;
  traveling_descriptors(traveling_descriptors const&) = delete;
  traveling_descriptors& operator=(traveling_descriptors const&) = delete;
  ~traveling_descriptors();

  // Throws std::logic_error where none can travel: in the job of a pool, or in a queue.
  static std::size_t add(int fd);
  static int take(std::size_t place);

 private:
  std::vector<int>& open_;
  traveling_descriptors* outer_;
};

// What an argument becomes on the other side: text that is pointed to is copied.
template <class T>
struct traveler {
  using type = T;
};
template <>
struct traveler<char const*> {
  using type = std::string;
};
template <>
struct traveler<char*> {
  using type = std::string;
};
template <>
struct traveler<std::string_view> {
  using type = std::string;
};
template <class T>
using traveler_t = typename traveler<std::decay_t<T>>::type;

template <class T>
constexpr bool require_transferable() {
  static_assert(transferable<T>,
                "weft: this type cannot travel to another process; give it MSGPACK_DEFINE(members) "
                "or pass something that weft/transferable.hpp lists");
  return true;
}

inline constexpr std::size_t depth_max = 256;  // of containers in containers

template <class T>
void encode_value(byte_sink& into, T const& value) {
  msgpack::packer<byte_sink>(into).pack(value);
}

template <class... T>
void encode(byte_sink& into, T const&... values) {
  (encode_value(into, values), ...);
}

// Reads encoded values one after another. Throws std::runtime_error or msgpack's errors for bytes
// that are no such values.
class byte_source {
 public:
  explicit byte_source(std::span<std::byte const> bytes, std::size_t nesting = depth_max) noexcept
      : bytes_(bytes), nesting_(nesting) {}

  [[nodiscard]] bool empty() const noexcept { return bytes_.empty(); }

  // How many bytes are left.
  [[nodiscard]] std::size_t size() const noexcept { return bytes_.size(); }

  // The same without so many bytes.
  [[nodiscard]] byte_source after(std::size_t count) const noexcept {
    return byte_source(bytes_.subspan(count), nesting_);
  }

  template <class T>
  T next() {
    // Every element takes at least a byte, so no count may be larger than what there is.
    auto const size = bytes_.size();
    msgpack::unpack_limit const limit(size, size, size, size, size, nesting_);
    auto const refer = [](msgpack::type::object_type, std::size_t, void*) { return true; };
    std::size_t read = 0;
    auto const object = msgpack::unpack(reinterpret_cast<char const*>(bytes_.data()), size, read,
                                        refer, nullptr, limit);
    bytes_ = bytes_.subspan(read);
    return object.get().template as<T>();
  }

 private:
  std::span<std::byte const> bytes_;
  std::size_t nesting_;
};

template <class... T>
std::tuple<T...> decode(std::span<std::byte const> bytes) {
  byte_source source(bytes);
  std::tuple<T...> values{source.template next<T>()...};  // in their order: these are braces
  if (!source.empty()) throw std::runtime_error("weft: bytes behind an encoded value");
  return values;
}

template <class T, class Container>
void decode_each(std::span<std::byte const> bytes, Container& into) {
  for (byte_source source(bytes); !source.empty();) into.push_back(source.template next<T>());
}

}  // namespace weft::inline v0::detail

namespace msgpack {
MSGPACK_API_VERSION_NAMESPACE(MSGPACK_DEFAULT_API_NS) {
  namespace adaptor {

  // msgpack has convert() return what it was given.
  // NOLINTBEGIN(bugprone-return-const-ref-from-parameter)

  template <class T>
  struct pack<T, std::enable_if_t<std::is_enum_v<T> && !std::is_same_v<T, std::byte>>> {
    template <class Stream>
    packer<Stream>& operator()(packer<Stream>& to, T value) const {
      return to.pack(static_cast<std::underlying_type_t<T>>(value));
    }
  };
  template <class T>
  struct convert<T, std::enable_if_t<std::is_enum_v<T> && !std::is_same_v<T, std::byte>>> {
    msgpack::object const& operator()(msgpack::object const& from, T& value) const {
      value = static_cast<T>(from.as<std::underlying_type_t<T>>());
      return from;
    }
  };

  template <class Rep, class Period>
  struct pack<std::chrono::duration<Rep, Period>> {
    template <class Stream>
    packer<Stream>& operator()(packer<Stream>& to,
                               std::chrono::duration<Rep, Period> const& value) const {
      return to.pack(value.count());
    }
  };
  template <class Rep, class Period>
  struct convert<std::chrono::duration<Rep, Period>> {
    msgpack::object const& operator()(msgpack::object const& from,
                                      std::chrono::duration<Rep, Period>& value) const {
      value = std::chrono::duration<Rep, Period>(from.as<Rep>());
      return from;
    }
  };

#if !WEFT_MSGPACK_HAS_TIME_POINTS
  // As the time since the clock's epoch, which is the same for all processes of a machine.
  template <class Clock, class Duration>
  struct pack<std::chrono::time_point<Clock, Duration>> {
    template <class Stream>
    packer<Stream>& operator()(packer<Stream>& to,
                               std::chrono::time_point<Clock, Duration> const& value) const {
      return to.pack(value.time_since_epoch());
    }
  };
  template <class Clock, class Duration>
  struct convert<std::chrono::time_point<Clock, Duration>> {
    msgpack::object const& operator()(msgpack::object const& from,
                                      std::chrono::time_point<Clock, Duration>& value) const {
      value = std::chrono::time_point<Clock, Duration>(from.as<Duration>());
      return from;
    }
  };
#endif

  template <>
  struct pack<std::filesystem::path> {
    template <class Stream>
    packer<Stream>& operator()(packer<Stream>& to, std::filesystem::path const& value) const {
      return to.pack(value.native());
    }
  };
  template <>
  struct convert<std::filesystem::path> {
    msgpack::object const& operator()(msgpack::object const& from,
                                      std::filesystem::path& value) const {
      value = from.as<std::string>();
      return from;
    }
  };

  template <>
  struct pack<std::monostate> {
    template <class Stream>
    packer<Stream>& operator()(packer<Stream>& to, std::monostate) const {
      return to.pack_nil();
    }
  };
  template <>
  struct convert<std::monostate> {
    msgpack::object const& operator()(msgpack::object const& from, std::monostate&) const {
      return from;
    }
  };

  // As the number of the alternative and its value.
  template <class... T>
  struct pack<std::variant<T...>> {
    template <class Stream>
    packer<Stream>& operator()(packer<Stream>& to, std::variant<T...> const& value) const {
      to.pack_array(2).pack(value.index());
      std::visit([&](auto const& held) { to.pack(held); }, value);
      return to;
    }
  };
  template <class... T>
  struct convert<std::variant<T...>> {
    msgpack::object const& operator()(msgpack::object const& from,
                                      std::variant<T...>& value) const {
      if (from.type != type::ARRAY || from.via.array.size != 2) throw type_error();
      auto const index = from.via.array.ptr[0].as<std::size_t>();
      auto const& held = from.via.array.ptr[1];
      auto const emplace = [&]<std::size_t... I>(std::index_sequence<I...>) {
        return ((I == index && (value.template emplace<I>(
                                    held.as<std::variant_alternative_t<I, std::variant<T...>>>()),
                                true)) ||
                ...);
      };
      bool const known = emplace(std::index_sequence_for<T...>());
      if (!known) throw type_error();
      return from;
    }
  };

  // NOLINTEND(bugprone-return-const-ref-from-parameter)

  }  // namespace adaptor
}
}  // namespace msgpack
