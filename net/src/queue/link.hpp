// One connection to a queue server, from the client's end: a dialogue in frames.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "host_and_port.hpp"
#include "queue/dialogue.hpp"
#include "queue/frame.hpp"
#include "queue/handshake.hpp"
#include "shared_connection.hpp"
#include "weft/task.hpp"

namespace weft::inline v0::detail {

class queue_link final : public shared_connection, public queue_dialogue {
 public:
  // Connects, and proves to the server that this end has the key, and the other way round.
  static task<std::shared_ptr<queue_link>> open(task_scope& tasks, host_and_port server,
                                                std::string queue, std::string key);

  queue_link(net::stream_socket connected, std::string const& server, std::string queue,
             session_keys const& keys);

 private:
  task<> greet();

  task<> read() override;
  task<> look_after() override { return keep_leases_up(); }
  void wake_all() noexcept override { queue_dialogue::wake_all(); }

  void say(std::string_view message) override;
  [[nodiscard]] bool goes_on() const noexcept override { return is_open(); }
  void end_dialogue() noexcept override { close(); }
  [[noreturn]] void throw_why_it_ended() const override { throw_ended(); }

  frame_opener opener_;
  frame_sealer sealer_;
};

}  // namespace weft::inline v0::detail
