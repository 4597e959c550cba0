// A socket to one server, and the questions that wait there for their answers, by their ids.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <system_error>
#include <unordered_map>
#include <vector>

#include "dns/message_front.hpp"
#include "weft/event.hpp"
#include "weft/mutex.hpp"
#include "weft/net/udp.hpp"
#include "weft/scope.hpp"
#include "weft/task.hpp"

namespace weft::inline v0::detail {

// It is open while questions wait, so one that is asked alone goes out from a port of its own,
// which the kernel picks at random. The socket is connected: the kernel drops what comes from
// elsewhere, and tells when nobody listens there.
class udp_channel {
 public:
  class waiting;

  // More would overrun the socket's buffer if their answers came all at once.
  static constexpr std::size_t waiting_max = 256;
  // How many questions go out from one port.
  static constexpr std::size_t asked_max = 1'024;

  // Throws std::system_error.
  explicit udp_channel(net::endpoint const& server);
  udp_channel(udp_channel const&) = delete;
  udp_channel& operator=(udp_channel const&) = delete;
  ~udp_channel() = default;

  // Whether another question may go out here. Once nobody waits any more, none may.
  [[nodiscard]] bool has_room() const noexcept {
    return !is_over_ && waiting_.size() < waiting_max && asked_ < asked_max;
  }

  // Ends the wait of all with an error.
  void end_all(std::error_code error) noexcept;

 private:
  static task<> receive(std::shared_ptr<udp_channel> channel);
  void hand_out(std::span<std::byte const> bytes);
  void leave(std::uint16_t id) noexcept;

  net::udp_socket socket_;
  mutex sending_;
  std::unordered_map<std::uint16_t, waiting*> waiting_;
  join_handle<void> receiving_;
  std::size_t asked_ = 0;
  bool is_over_ = false;
};

// A question on its way, in the frame of who waits. It is gone from the channel once that is
// destroyed.
class udp_channel::waiting {
 public:
  // Takes a random id that no other has here, whatever that of the query. What receives the answers
  // is a child of `tasks`, as long as anybody waits.
  waiting(std::shared_ptr<udp_channel> channel, net::dns::message const& query, task_scope& tasks);
  waiting(waiting const&) = delete;
  waiting& operator=(waiting const&) = delete;
  ~waiting();

  [[nodiscard]] std::uint16_t id() const noexcept { return expected_.id; }

  // Sends the query, which has the id, and waits for what answers it. Throws std::system_error, or
  // cancelled.
  task<std::vector<std::byte>> exchange(std::span<std::byte const> query);

 private:
  friend udp_channel;

  void end(std::error_code error) noexcept;

  std::shared_ptr<udp_channel> channel_;
  expected_response expected_;
  event ended_;
  std::error_code error_;
  std::vector<std::byte> answer_;
};

}  // namespace weft::inline v0::detail
