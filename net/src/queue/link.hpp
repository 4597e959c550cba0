// One connection to a queue server, from the client's end: requests go out in the order in which
// they are asked, each under a number, and answers come back when there are any.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "host_and_port.hpp"
#include "queue/frame.hpp"
#include "queue/handshake.hpp"
#include "queue/message.hpp"
#include "shared_connection.hpp"
#include "weft/event.hpp"
#include "weft/net/queue/lease.hpp"
#include "weft/task.hpp"

namespace weft::inline v0::detail {

struct queue_answer {
  queue_status status = queue_status::done;
  std::string message;
  std::size_t values_at = 0;  // in the message

  [[nodiscard]] byte_source values() const { return values_in(message).after(values_at); }
};

class queue_link final : public shared_connection {
 public:
  // What is done with an answer that comes when nobody waits for it any more.
  using late_answer = std::function<void(queue_link&, queue_answer const&)>;

  // Connects, and proves to the server that this end has the key, and the other way round.
  static task<std::shared_ptr<queue_link>> open(task_scope& tasks, host_and_port server,
                                                std::string queue, std::string key);

  // Yields the answer to `operation` with the arguments, which are encoded now. Cancelled, it is
  // cancelled at the server, too; an answer that is on its way is given to `late`. Throws
  // std::system_error when the connection is lost before.
  template <class... Arguments>
  static task<queue_answer> ask(std::shared_ptr<queue_link> link, late_answer late,
                                std::string_view operation, Arguments const&... arguments) {
    auto const number = link->next_number();
    auto message = message_of(number, operation, link->queue_, arguments...);
    return wait(std::move(link), number, std::move(message), std::move(late));
  }

  // The same, when nobody waits for the answer.
  template <class... Arguments>
  void tell(std::string_view operation, Arguments const&... arguments) {
    auto const number = next_number();
    late_[number] = nullptr;
    send(message_of(number, operation, queue_, arguments...));
  }

  // The leases that came over it and live.
  [[nodiscard]] std::shared_ptr<held_leases> const& held() const noexcept { return held_; }

  // What the server said of itself.
  [[nodiscard]] std::size_t value_bytes_max() const noexcept { return value_bytes_max_; }
  [[nodiscard]] std::size_t frame_bytes_max() const noexcept { return frame_bytes_max_; }

  queue_link(net::stream_socket connected, std::string const& server, std::string queue,
             session_keys const& keys);

 private:
  struct asker {
    event answered;
    std::optional<queue_answer> answer;
  };

  static task<queue_answer> wait(std::shared_ptr<queue_link> link, std::uint64_t number,
                                 std::string message, late_answer late);
  std::uint64_t next_number() noexcept { return ++last_number_; }
  void send(std::string_view message);
  void abandon(std::uint64_t number, late_answer late,
               std::optional<queue_answer> const& answer) noexcept;

  task<> greet();
  task<> read() override;
  task<> look_after() override;
  void wake_all() noexcept override;
  void hand_out(std::string message);

  std::string queue_;
  frame_opener opener_;
  frame_sealer sealer_;
  std::uint64_t last_number_ = 0;
  std::unordered_map<std::uint64_t, asker*> asking_;
  std::unordered_map<std::uint64_t, late_answer> late_;
  std::shared_ptr<held_leases> held_ = std::make_shared<held_leases>();
  std::chrono::nanoseconds lease_{};
  std::size_t value_bytes_max_ = 0;
  std::size_t frame_bytes_max_ = 0;
};

}  // namespace weft::inline v0::detail
