// What a client asks of the server of its queue, and what it is answered, whatever carries the
// messages: each request has a number, under which it is answered when it can be.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "queue/message.hpp"
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

// A lease as a message names it.
using delivery = std::pair<std::uint64_t, std::uint32_t>;
delivery delivery_of(lease_ticket const& ticket);

class queue_dialogue {
 public:
  // What is done with an answer that comes when nobody waits for it any more, or when the dialogue
  // has ended instead: then it is one that says cancelled.
  using late_answer = std::function<void(queue_dialogue&, queue_answer const&)>;

  queue_dialogue(queue_dialogue const&) = delete;
  queue_dialogue& operator=(queue_dialogue const&) = delete;

  // Yields the answer to `operation` with the arguments, which are encoded now. Cancelled, it is
  // cancelled at the server, too; an answer that is on its way is given to `late`. Throws
  // std::system_error when the connection is lost before.
  template <class... Arguments>
  static task<queue_answer> ask(std::shared_ptr<queue_dialogue> with, late_answer late,
                                std::string_view operation, Arguments const&... arguments) {
    auto const number = with->next_number();
    auto message = message_of(number, operation, with->queue_, arguments...);
    return wait(std::move(with), number, std::move(message), std::move(late));
  }

  // The same, when nobody waits for the answer.
  template <class... Arguments>
  void tell(std::string_view operation, Arguments const&... arguments) {
    auto const number = next_number();
    late_[number] = nullptr;
    say(message_of(number, operation, queue_, arguments...));
  }

  // The leases that were given to it and live.
  [[nodiscard]] std::shared_ptr<held_leases> const& held() const noexcept { return held_; }

  // What the server takes.
  [[nodiscard]] std::size_t value_bytes_max() const noexcept { return value_bytes_max_; }
  [[nodiscard]] std::size_t frame_bytes_max() const noexcept { return frame_bytes_max_; }

 protected:
  explicit queue_dialogue(std::string queue) : queue_(std::move(queue)) {}
  ~queue_dialogue() = default;

  // Takes what the server says of itself, at the beginning.
  void agree(std::chrono::nanoseconds lease, std::size_t value_bytes_max,
             std::size_t frame_bytes_max) noexcept {
    lease_ = lease;
    value_bytes_max_ = value_bytes_max;
    frame_bytes_max_ = frame_bytes_max;
  }

  // Carries a message to the server.
  virtual void say(std::string_view message) = 0;

  [[nodiscard]] virtual bool goes_on() const noexcept = 0;
  virtual void end_dialogue() noexcept = 0;
  [[noreturn]] virtual void throw_why_it_ended() const = 0;

  // Takes a message of the server's. Throws frame_error for one that means nothing.
  void hand_out(std::string message);

  // It has ended: who waits is told, and leases are lost.
  void wake_all() noexcept;

  // Keeps up the leases that are held, until it is cancelled.
  task<> keep_leases_up();

 private:
  struct asker {
    event answered;
    std::optional<queue_answer> answer;
  };

  static task<queue_answer> wait(std::shared_ptr<queue_dialogue> with, std::uint64_t number,
                                 std::string message, late_answer late);
  std::uint64_t next_number() noexcept { return ++last_number_; }
  void abandon(std::uint64_t number, late_answer late,
               std::optional<queue_answer> const& answer) noexcept;

  std::string queue_;
  std::uint64_t last_number_ = 0;
  std::unordered_map<std::uint64_t, asker*> asking_;
  std::unordered_map<std::uint64_t, late_answer> late_;
  std::shared_ptr<held_leases> held_ = std::make_shared<held_leases>();
  std::chrono::nanoseconds lease_{};
  std::size_t value_bytes_max_ = 0;
  std::size_t frame_bytes_max_ = 0;
};

}  // namespace weft::inline v0::detail
