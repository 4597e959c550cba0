// ipc: values between processes, through queues and pipes.
//
// A message is sent whole or not at all, so a process that is killed midway corrupts nothing, and
// holds no lock. The ends travel as arguments of process::start; each process has its own copies.
#pragma once

#include <deque>
#include <optional>
#include <ranges>
#include <utility>

#include "weft/detail/codec.hpp"
#include "weft/detail/message_socket.hpp"
#include "weft/task.hpp"
#include "weft/transferable.hpp"

namespace weft::inline v0::ipc {

namespace detail {

using weft::detail::message_socket;
using weft::detail::traveling_descriptors;

// What all ends are: a socket that can be copied and can travel.
class end {
 public:
  explicit operator bool() const noexcept { return static_cast<bool>(socket_); }

  // Gives up this end. What is in flight on it ends with ECANCELED.
  void close() { socket_.close(); }

  template <class Packer>
  void msgpack_pack(Packer& to) const {
    to.pack(traveling_descriptors::add(socket_.get()));
  }
  void msgpack_unpack(msgpack::object const& from) {
    socket_ = message_socket::adopt(traveling_descriptors::take(from.as<std::size_t>()));
  }

 protected:
  end() noexcept = default;
  explicit end(message_socket socket) noexcept : socket_(std::move(socket)) {}

  message_socket socket_;
};

// What has been received and not been asked for yet. It stays with the end that received it.
template <class T>
class arrivals {
 public:
  arrivals() noexcept = default;
  arrivals(arrivals const&) noexcept {}
  arrivals(arrivals&&) noexcept = default;
  arrivals& operator=(arrivals const& other) noexcept {
    if (this != &other) values_.clear();
    return *this;
  }
  arrivals& operator=(arrivals&&) noexcept = default;
  ~arrivals() = default;

  task<std::optional<T>> next(message_socket& from) {
    while (values_.empty()) {
      auto message = from.receive();
      if (!co_await message) co_return std::nullopt;
      weft::detail::decode_each<T>(message.values(), values_);
    }
    std::optional<T> first(std::move(values_.front()));
    values_.pop_front();
    co_return first;
  }

 private:
  std::deque<T> values_;
};

template <class T>
task<> put(message_socket& to, T value) {
  auto encoded = message_socket::sink();
  weft::detail::encode_value(encoded, value);
  co_await to.send(encoded);
}

inline constexpr std::size_t batch_bytes = 16'384;  // and no more values are added to a message

template <class T, class Values>
task<> put_all(message_socket& to, Values values) {
  auto next = std::ranges::begin(values);
  while (next != std::ranges::end(values)) {
    auto encoded = message_socket::sink();
    for (; next != std::ranges::end(values) && encoded.bytes().size() < batch_bytes; ++next)
      weft::detail::encode_value(encoded, static_cast<T const&>(*next));
    co_await to.send(encoded);
  }
}

}  // namespace detail

// The end of a queue that values are put into. Copies are further writers, as are those that
// travel; each belongs to the loop that it is first used on.
template <transferable T>
class queue_writer : public detail::end {
 public:
  queue_writer() noexcept = default;
  explicit queue_writer(weft::detail::message_socket socket) noexcept : end(std::move(socket)) {}

  // Sends the value, waiting while as many bytes are under way as the kernel lets: about 200 KB,
  // see socket(7), wmem_default. One put at a time on one end. The values of one end arrive in
  // their order. Throws std::system_error with EPIPE when nobody can receive any more, or
  // cancelled, which sent nothing.
  [[nodiscard]] task<> put(T value) { return detail::put(socket_, std::move(value)); }

  // Sends all values of a range, many of them in one message; those of one message arrive at one
  // reader. An exception leaves unsent what was not sent yet.
  template <std::ranges::input_range Values>
  [[nodiscard]] task<> put_all(Values values) {
    return detail::put_all<T>(socket_, std::move(values));
  }
};

// The end of a queue that values come out of. Copies are further readers; each value goes to one.
template <transferable T>
class queue_reader : public detail::end {
 public:
  queue_reader() noexcept = default;
  explicit queue_reader(weft::detail::message_socket socket) noexcept : end(std::move(socket)) {}

  // Receives the next value; none when all writers have closed their ends, or have died. One get at
  // a time on one end. Throws std::system_error, or cancelled, which loses no value.
  [[nodiscard]] task<std::optional<T>> get() { return arrived_.next(socket_); }

 private:
  detail::arrivals<T> arrived_;
};

// An end of a pipe: what is put into one comes out of the other, both ways at once. As a writer and
// a reader of a queue in one.
template <transferable T>
class pipe_end : public detail::end {
 public:
  pipe_end() noexcept = default;
  explicit pipe_end(weft::detail::message_socket socket) noexcept : end(std::move(socket)) {}

  [[nodiscard]] task<> put(T value) { return detail::put(socket_, std::move(value)); }
  template <std::ranges::input_range Values>
  [[nodiscard]] task<> put_all(Values values) {
    return detail::put_all<T>(socket_, std::move(values));
  }
  [[nodiscard]] task<std::optional<T>> get() { return arrived_.next(socket_); }

 private:
  detail::arrivals<T> arrived_;
};

template <transferable T>
struct queue {
  queue_writer<T> writer;
  queue_reader<T> reader;
};

template <transferable T>
struct pipe {
  pipe_end<T> first;
  pipe_end<T> second;
};

// A new queue. Its reader comes to an end only when every writer is closed, this one too: move it
// into the process that writes, or close it. Throws std::system_error.
template <transferable T>
[[nodiscard]] queue<T> make_queue() {
  auto [writer, reader] = weft::detail::message_socket::make_pair();
  return {queue_writer<T>(std::move(writer)), queue_reader<T>(std::move(reader))};
}

template <transferable T>
[[nodiscard]] pipe<T> make_pipe() {
  auto [first, second] = weft::detail::message_socket::make_pair();
  return {pipe_end<T>(std::move(first)), pipe_end<T>(std::move(second))};
}

}  // namespace weft::inline v0::ipc
