// See meeting_point.hpp.
#include "meeting_point.hpp"

#include <chrono>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string_view>

#include <weft/net/queue/client.hpp>
#if HAS_REDIS_QUEUE
#include <weft/net/queue/redis.hpp>
#endif

namespace {

constexpr std::string_view scheme = "redis://";

#if HAS_REDIS_QUEUE
// So long a broker waits for a worker that was killed. A task takes a second.
weft::net::redis_queue_options const on_broker{.policy = {.lease = std::chrono::seconds(5)}};
#endif

}  // namespace

void meeting_point::add_options(command_line& line) {
  line.add_option("--address", address_, "HOST:PORT of the master (127.0.0.1:5000)");
  line.add_option("--authkey", authkey_,
                  "the key that both must have; others can read it in the list of processes");
  line.add_option("--authkey-file", authkey_file_, "a file with the key in its first line");
  line.add_option("--broker", broker_, "redis://HOST:PORT or redis:///PATH, of a Redis server",
                  must_be("redis://HOST:PORT or redis:///PATH", [](std::string const& value) {
                    return value.starts_with(scheme) && value.size() > scheme.size();
                  }));
  line.set_footer("Without --authkey and --authkey-file, the key is in WEFT_AUTHKEY.");
}

std::string meeting_point::key() const {
  std::string key = authkey_;
  if (key.empty() && !authkey_file_.empty()) {
    std::ifstream file(authkey_file_);
    if (!std::getline(file, key))
      throw std::runtime_error("cannot read a key from " + authkey_file_);
  }
  if (auto const* const set = std::getenv("WEFT_AUTHKEY"); key.empty() && set != nullptr) key = set;
  if (key.empty())
    throw std::runtime_error("there is no key; use --authkey-file, WEFT_AUTHKEY or --authkey");
  return key;
}

std::unique_ptr<weft::net::work_queue> meeting_point::open(weft::task_scope& tasks) const {
  if (!has_broker())
    return std::make_unique<weft::net::queue_client>(tasks, address_, "tasks",
                                                     weft::net::queue_client_options{.key = key()});
#if HAS_REDIS_QUEUE
  return std::make_unique<weft::net::redis_queue>(tasks, broker_.substr(scheme.size()), "tasks",
                                                  on_broker);
#else
  throw std::runtime_error("--broker: Weft was built without Redis");
#endif
}
