// remote_sender<T>: how another thread sends into a channel of a loop.
#pragma once

#include <condition_variable>
#include <memory>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "weft/channel.hpp"
#include "weft/detail/inbox.hpp"

namespace weft::inline v0 {

namespace detail {

// An item on its way: it travels through the loop's inbox and then waits at the channel as any
// sender does.
template <class T>
class remote_item final : public sender<T> {
 public:
  remote_item(std::shared_ptr<remote_gate<T>> gate, T&& sent) noexcept
      : sender<T>("remote send", item_), gate_(std::move(gate)), item_(std::move(sent)) {}

  // On the loop: first on arrival, then, if it had to wait at the channel, when that is over.
  void run() noexcept override {
    if (!std::exchange(arrived_, true) && !gate_->deliver(*this)) return;
    gate_->item_done();
    delete this;
  }
  void cancel() noexcept override {}

  T take_back() noexcept { return std::move(item_); }

 private:
  std::shared_ptr<remote_gate<T>> gate_;
  T item_;
  bool arrived_ = false;
};

// What the threads and the channel share.
template <class T>
class remote_gate final : public channel_listener,
                          public loop_end_listener,
                          public std::enable_shared_from_this<remote_gate<T>> {
 public:
  remote_gate(channel<T>& to, std::shared_ptr<inbox> entrance, std::size_t limit) noexcept
      : channel_(&to), inbox_(std::move(entrance)), limit_(limit) {}

  // Any thread. Takes the item and returns true, or leaves it: closed, or full and not to wait.
  bool send(T& item, bool wait) {
    std::unique_lock lock(mutex_);
    if (wait) room_.wait(lock, [this] { return closed_ || on_their_way_ < limit_; });
    if (closed_ || on_their_way_ >= limit_) return false;
    auto sent = std::make_unique<remote_item<T>>(this->shared_from_this(), std::move(item));
    ++on_their_way_;
    // Pushed under the lock, so that items arrive in the order in which they were let in.
    if (!inbox_->push(*sent)) {
      --on_their_way_;
      // The caller's again, by construction: an item need not be assignable.
      std::destroy_at(std::addressof(item));
      std::construct_at(std::addressof(item), sent->take_back());
      return false;
    }
    static_cast<void>(sent.release());  // the loop's now
    return true;
  }

  // On the loop's thread. True when the item is done with, accepted or dropped with its channel.
  bool deliver(remote_item<T>& item) noexcept {
    if (channel_ == nullptr) return true;
    item.begin_unawaited();
    if (!channel_->offer(item)) return false;
    item.end_unawaited();
    return true;
  }

  void item_done() noexcept {
    {
      std::lock_guard const lock(mutex_);
      --on_their_way_;
    }
    room_.notify_one();
  }

  void close() noexcept override {
    {
      std::lock_guard const lock(mutex_);
      closed_ = true;
    }
    room_.notify_all();
  }

  void channel_gone() noexcept override { channel_ = nullptr; }
  void loop_ended() noexcept override { close(); }

  inbox& entrance() noexcept { return *inbox_; }

 private:
  channel<T>* channel_;  // the loop's thread only
  std::shared_ptr<inbox> inbox_;
  std::mutex mutex_;
  std::condition_variable room_;
  std::size_t limit_;
  std::size_t on_their_way_ = 0;
  bool closed_ = false;
};

}  // namespace detail

// Copyable; every member may be called on any thread. While one exists, the loop counts as alive.
// The items of one thread arrive in the order it sent them.
template <class T>
class remote_sender {
 public:
  explicit remote_sender(std::shared_ptr<detail::remote_gate<T>> gate) noexcept
      : gate_(std::move(gate)) {
    gate_->entrance().add_remote();
  }
  remote_sender(remote_sender const& other) noexcept : remote_sender(other.gate_) {}
  remote_sender(remote_sender&& other) noexcept = default;
  remote_sender& operator=(remote_sender other) noexcept {
    std::swap(gate_, other.gate_);
    return *this;
  }
  ~remote_sender() {
    if (gate_) gate_->entrance().drop_remote();
  }

  // Sends, blocking the calling thread while the limit is reached; not for the loop's own thread,
  // which would wait for itself. False, with the item untouched, once the channel is closed or its
  // loop has ended. An item under way when the channel closes is dropped.
  bool send(T&& item) { return gate_->send(item, true); }

  // The same without blocking; false also when the limit is reached.
  bool try_send(T&& item) { return gate_->send(item, false); }

 private:
  std::shared_ptr<detail::remote_gate<T>> gate_;
};

template <class T>
remote_sender<T> channel<T>::remote(std::size_t limit) {
  if (limit == 0)
    throw std::invalid_argument("weft: a remote sender with a limit of 0 could never send");
  if (!gate_) {
    auto const entrance = detail::inbox_of_running_loop();
    auto const made = std::make_shared<detail::remote_gate<T>>(*this, entrance, limit);
    entrance->tell_end_to(made);
    if (closed_) made->close();
    gate_ = made;
  }
  return remote_sender<T>(std::static_pointer_cast<detail::remote_gate<T>>(gate_));
}

}  // namespace weft::inline v0
