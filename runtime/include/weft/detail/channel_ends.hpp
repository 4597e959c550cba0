// The two ends that wait at a channel, whoever they belong to: a task, or an item that another
// thread sent.
#pragma once

#include <optional>

#include "weft/detail/chain.hpp"

namespace weft::inline v0::detail {

// The result of an end that the closing of the channel completed.
inline constexpr int ended_by_close = 1;

template <class T>
class remote_gate;

// What a channel tells the entrance that other threads have to it.
class channel_listener {
 public:
  virtual void close() noexcept = 0;
  virtual void channel_gone() noexcept = 0;

 protected:
  ~channel_listener() = default;
};

template <class T>
class sender : public operation {
 public:
  sender(char const* name, T& sent) noexcept : operation(name), item(&sent) {}

  bool end_inline(int result) noexcept {
    result_ = result;
    return true;
  }

  T* item;  // moved from when it is accepted

 protected:
  ~sender() = default;
};

template <class T>
class receiver : public operation {
 public:
  using operation::operation;

  bool end_inline(int result) noexcept {
    result_ = result;
    return true;
  }

  std::optional<T> item;

 protected:
  ~receiver() = default;
};

// What a send holds: the item, or a reference to it.
template <class Held>
struct held_item {
  Held held;
};

}  // namespace weft::inline v0::detail
