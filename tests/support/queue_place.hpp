// A queue server of a test's own, and clients of it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "support/backends.hpp"
#include "weft/net/queue/client.hpp"
#include "weft/net/queue/server.hpp"
#include "weft/scope.hpp"
#include "weft/task.hpp"

namespace support {

// What a case does with a server: makes clients of it.
class queue_place {
 public:
  static constexpr auto key = "correct horse";

  queue_place(weft::task_scope& tasks, weft::net::queue_server const& server)
      : tasks_(tasks), server_(server), address_(server.local().to_string()) {}

  [[nodiscard]] weft::net::queue_client client(std::string name = "tasks") const {
    return {tasks_, address_, std::move(name), {.key = key}};
  }
  // One without a connection.
  [[nodiscard]] weft::net::queue_client inside() const { return {tasks_, server_, "tasks"}; }

  [[nodiscard]] weft::task_scope& tasks() const { return tasks_; }
  [[nodiscard]] std::string const& address() const { return address_; }

 private:
  weft::task_scope& tasks_;
  weft::net::queue_server const& server_;
  std::string address_;
};

// Runs the body beside a server with the options.
template <class Backend>
void with_queue_server(weft::net::queue_server_options const& options,
                       std::function<weft::task<>(queue_place const&)> const& body) {
  run_on<Backend>([](auto const& asked, auto const& with) -> weft::task<> {
    co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
      auto server = weft::net::queue_server::bind("127.0.0.1:0", asked);
      auto const serving = tasks.spawn(server.serve());
      queue_place const here(tasks, server);
      co_await with(here);
      serving.cancel();
    });
  }(options, body));
}

// What a step throws, as text; none if it throws nothing of the kind.
template <class Error, class T>
weft::task<std::optional<std::string>> thrown_by(weft::task<T> step) {
  try {
    (void)co_await std::move(step);
  } catch (Error const& error) {
    co_return error.what();
  }
  co_return std::nullopt;
}
template <class Error>
weft::task<std::optional<std::string>> thrown_by(weft::task<> step) {
  try {
    co_await std::move(step);
  } catch (Error const& error) {
    co_return error.what();
  }
  co_return std::nullopt;
}

inline weft::task<> put_numbers(weft::net::queue_client& queue, int count) {
  for (int i = 0; i < count; ++i) co_await queue.put(i);
}

}  // namespace support
