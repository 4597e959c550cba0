// channel<T>: a bounded queue between tasks of one loop. Any number may send and receive. With
// capacity 0 it is a rendezvous: a send completes when a receiver has taken the item.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>

#include "weft/detail/channel_ends.hpp"
#include "weft/detail/ring.hpp"
#include "weft/error.hpp"

namespace weft::inline v0 {

template <class T>
class remote_sender;

// Items arrive in the order in which their sends began, and receivers are served in the order they
// came. Belongs to one loop's thread; other threads come in through remote() of weft/remote.hpp. It
// allocates its buffer once, at construction. Must outlive the tasks that wait at it.
template <class T>
class channel {
  static_assert(std::is_nothrow_move_constructible_v<T>,
                "weft: a channel's items must not throw when moved; send a std::unique_ptr");

 public:
  explicit channel(std::size_t capacity) : items_(capacity) {}
  channel(channel const&) = delete;
  channel& operator=(channel const&) = delete;
  ~channel() {
    close();
    if (gate_) gate_->channel_gone();
  }

  // `Held` is T& for an item borrowed from the caller, T for a copy.
  template <class Held>
  class send_operation final
      : private detail::held_item<Held>,
        public detail::awaitable_operation<send_operation<Held>, void, detail::sender<T>> {
    using base = detail::awaitable_operation<send_operation, void, detail::sender<T>>;

   public:
    template <class Item>
    send_operation(channel& to, Item& item)
        : detail::held_item<Held>{item}, base("channel send", this->held), to_(to) {}

    bool start() noexcept { return to_.offer(*this); }

    void value() const {
      if (this->result_ == detail::ended_by_close) throw channel_closed();
    }

    void cancel() noexcept override {
      if (this->current_phase() != detail::operation::phase::waiting) return;
      to_.senders_.remove(*this);
      this->complete(-ECANCELED);
    }

   private:
    channel& to_;
  };

  class receive_operation final
      : public detail::awaitable_operation<receive_operation, std::optional<T>,
                                           detail::receiver<T>> {
   public:
    explicit receive_operation(channel& from) noexcept
        : detail::awaitable_operation<receive_operation, std::optional<T>, detail::receiver<T>>(
              "channel receive"),
          from_(from) {}

    bool start() noexcept { return from_.request(*this); }
    std::optional<T> value() noexcept { return std::move(this->item); }

    void cancel() noexcept override {
      if (this->current_phase() != detail::operation::phase::waiting) return;
      from_.receivers_.remove(*this);
      this->complete(-ECANCELED);
    }

   private:
    channel& from_;
  };

  // Sends the item, waiting while the channel is full. Borrows it until completion and moves from
  // it only when it is accepted: after cancelled or channel_closed the caller still has it.
  [[nodiscard]] send_operation<T&> send(T&& item) noexcept { return {*this, item}; }

  // The same with a copy, which is made at once.
  [[nodiscard]] send_operation<T> send(T const& item)
    requires std::is_copy_constructible_v<T>
  {
    return {*this, item};
  }

  // Yields the next item, waiting while there is none; nullopt once the channel is closed and
  // empty. Throws cancelled, which loses no item: one already handed over is yielded first.
  [[nodiscard]] receive_operation receive() noexcept { return receive_operation(*this); }

  // Sends without waiting; false, with the item untouched, when that is not possible.
  bool try_send(T&& item) noexcept {
    if (closed_ || !has_room()) return false;
    accept(item);
    return true;
  }

  // Receives without waiting; nullopt when there is nothing.
  [[nodiscard]] std::optional<T> try_receive() noexcept {
    std::optional<T> item;
    take(item);
    return item;
  }

  // Ends sending: waiting senders get channel_closed, receivers drain what is left and then get
  // nullopt. Closing again changes nothing.
  void close() noexcept {
    closed_ = true;
    if (gate_) gate_->close();
    while (!senders_.empty()) senders_.pop_front().complete(detail::ended_by_close);
    while (!receivers_.empty()) receivers_.pop_front().complete(detail::ended_by_close);
  }

  [[nodiscard]] bool closed() const noexcept { return closed_; }
  [[nodiscard]] std::size_t size() const noexcept { return items_.size(); }
  [[nodiscard]] std::size_t capacity() const noexcept { return items_.capacity(); }

  // An entrance for other threads (include weft/remote.hpp). Through all remote senders of this
  // channel together at most `limit` items are on their way; further sends wait, in their threads.
  // The first call decides the limit; later ones share it. Throws std::invalid_argument for 0, with
  // which nothing could ever be sent.
  remote_sender<T> remote(std::size_t limit = 1024);

 private:
  friend detail::remote_gate<T>;

  [[nodiscard]] bool has_room() const noexcept { return !receivers_.empty() || !items_.full(); }

  void accept(T& item) noexcept {
    if (receivers_.empty()) {
      items_.push(std::move(item));
    } else {
      auto& first = static_cast<detail::receiver<T>&>(receivers_.pop_front());
      first.item.emplace(std::move(item));
      first.complete(0);
    }
  }

  // Begins a send; true when it is over at once, with its result set.
  bool offer(detail::sender<T>& from) noexcept {
    if (closed_) return from.end_inline(detail::ended_by_close);
    if (has_room()) {
      accept(*from.item);
      return from.end_inline(0);
    }
    senders_.push_back(from);
    return false;
  }

  bool request(detail::receiver<T>& by) noexcept {
    if (take(by.item)) return by.end_inline(0);
    if (closed_) return by.end_inline(detail::ended_by_close);
    receivers_.push_back(by);
    return false;
  }

  // Fills `taken`, which is empty, with the next item; false when there is none.
  bool take(std::optional<T>& taken) noexcept {
    if (!items_.empty()) taken.emplace(items_.pop());
    if (senders_.empty()) return taken.has_value();
    // A place has become free, or with capacity 0 the receiver itself is the place.
    auto& first = static_cast<detail::sender<T>&>(senders_.front());
    if (!taken)
      taken.emplace(std::move(*first.item));
    else
      items_.push(std::move(*first.item));
    senders_.pop_front().complete(0);
    return true;
  }

  detail::ring<T> items_;
  detail::waiter_list senders_;
  detail::waiter_list receivers_;
  std::shared_ptr<detail::channel_listener> gate_;
  bool closed_ = false;
};

}  // namespace weft::inline v0
