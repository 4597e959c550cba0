// The race of RFC 8305 between the addresses of one host.
#include "weft/net/connect.hpp"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "host_name.hpp"
#include "weft/event.hpp"
#include "weft/net/resolve.hpp"
#include "weft/scope.hpp"
#include "weft/timeout.hpp"

namespace weft::inline v0::net {

namespace {

std::string list(std::string const& name, std::vector<failed_attempt> const& attempts) {
  std::string text = "connect " + name;
  char const* separator = ": ";
  for (failed_attempt const& each : attempts) {
    text += separator + each.peer.to_string() + ": " + each.error.message();
    separator = "; ";
  }
  return text;
}

// The families in turn, beginning with that of the first; within a family the order stays. See RFC
// 8305, section 4.
std::vector<endpoint> interleaved(std::vector<endpoint> const& peers) {
  bool const v6_first = peers.front().address().is_v6();
  std::vector<endpoint> first;
  std::vector<endpoint> other;
  for (endpoint const& peer : peers)
    (peer.address().is_v6() == v6_first ? first : other).push_back(peer);
  std::vector<endpoint> mixed;
  for (std::size_t i = 0; i < std::max(first.size(), other.size()); ++i) {
    if (i < first.size()) mixed.push_back(first[i]);
    if (i < other.size()) mixed.push_back(other[i]);
  }
  return mixed;
}

// Outlives the scope of its attempts.
class race {
 public:
  // The winner's end cancels all others, and this, too.
  task<> run(task_scope& attempts, std::vector<endpoint> const& peers,
             std::chrono::milliseconds delay) {
    for (endpoint const& peer : peers) {
      has_failed_.reset();
      attempts.spawn(attempt(attempts, peer));
      try {
        co_await with_timeout(delay, has_failed_.wait());
      } catch (timed_out const&) {}  // the attempt goes on beside the next
    }
  }

  // Yields what was won.
  tcp_stream result(std::string const& name) {
    if (!winner_) throw connect_error(name, std::move(failed_));
    return std::move(*winner_);
  }

 private:
  task<> attempt(task_scope& attempts, endpoint peer) {
    try {
      auto stream = co_await connect(peer);
      if (!winner_) winner_ = std::move(stream);
      attempts.cancel();
    } catch (std::system_error const& error) {
      failed_.push_back({peer, error.code()});
      has_failed_.set();
    }
  }

  std::vector<failed_attempt> failed_;
  std::optional<tcp_stream> winner_;
  event has_failed_;
};

}  // namespace

connect_error::connect_error(std::string const& name, std::vector<failed_attempt> attempts)
    : std::system_error(attempts.empty() ? std::error_code() : attempts.front().error),
      text_(list(name, attempts)),
      attempts_(std::move(attempts)) {}

task<tcp_stream> connect(std::vector<endpoint> peers, std::string name, connect_options options) {
  if (peers.empty()) throw std::invalid_argument("weft: connect to no address of " + name);
  peers = interleaved(peers);
  race running;
  co_await scope([&](task_scope& attempts) -> task<> {
    co_await running.run(attempts, peers, options.attempt_delay);
  });
  co_return running.result(name);
}

task<tcp_stream> connect(std::string host, std::string service, connect_options options) {
  auto const name = detail::name_of(host, service);
  auto peers = co_await resolve(std::move(host), std::move(service));
  co_return co_await connect(std::move(peers), name, options);
}

}  // namespace weft::inline v0::net
