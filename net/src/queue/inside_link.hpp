// A dialogue with the queues of a server in the same process: no connection, no frames. Messages
// are handed over, and answered in the same call when they can be.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "queue/dialogue.hpp"
#include "queue/host.hpp"
#include "queue/served_queue.hpp"
#include "weft/error.hpp"
#include "weft/scope.hpp"

namespace weft::inline v0::detail {

class inside_link final : public queue_dialogue, public queue_asker {
 public:
  // `host` lives at least as long.
  inside_link(std::shared_ptr<queue_host> host, std::string queue)
      : queue_dialogue(std::move(queue)), queue_asker(host->next_number()), host_(std::move(host)) {
    agree(host_->options().policy.lease, host_->options().policy.value_limit_bytes,
          host_->frame_bytes_max());
  }
  ~inside_link() { close(); }

  // Starts what keeps leases up, as a child of the scope, which holds the link.
  static void start(std::shared_ptr<inside_link> const& link, task_scope& tasks) {
    link->keeping_up_ = tasks.spawn(keep_up(link));
  }

  void close() noexcept {
    if (!goes_on()) return;
    host_->forget(*this);
    host_ = nullptr;
    wake_all();
    if (auto const child = std::exchange(keeping_up_, {})) child.cancel();
  }

  // From the server.
  void send(std::string const& message) override { hand_out(message); }

 private:
  static task<> keep_up(std::shared_ptr<inside_link> link) { co_await link->keep_leases_up(); }

  void say(std::string_view message) override { host_->handle(*this, message, queue_time()); }
  [[nodiscard]] bool goes_on() const noexcept override { return host_ != nullptr; }
  void end_dialogue() noexcept override { close(); }
  [[noreturn]] void throw_why_it_ended() const override {
    throw_system_error(ECANCELED, "the client of a queue was destroyed");
  }

  std::shared_ptr<queue_host> host_;
  join_handle<void> keeping_up_;
};

}  // namespace weft::inline v0::detail
