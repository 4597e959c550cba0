// connect by name: all addresses of a host are tried, the next one before the last has given up.
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "weft/net/endpoint.hpp"
#include "weft/net/tcp.hpp"
#include "weft/task.hpp"

namespace weft::inline v0::net {

struct connect_options {
  // How long an attempt has before the next address is tried beside it. RFC 8305 recommends 250 ms
  // and asks for 10 ms at least.
  std::chrono::milliseconds attempt_delay{250};
};

// One address that could not be connected to, and why.
struct failed_attempt {
  endpoint peer;
  std::error_code error;
};

// Thrown when no address of a host could be connected to. The code is that of the first attempt
// that failed.
class WEFT_API connect_error : public std::system_error {
 public:
  // `name` is the host and the service as they were given.
  connect_error(std::string const& name, std::vector<failed_attempt> attempts);

  [[nodiscard]] char const* what() const noexcept override { return text_.c_str(); }

  // In the order in which they failed.
  [[nodiscard]] std::vector<failed_attempt> const& attempts() const noexcept { return attempts_; }

 private:
  std::string text_;
  std::vector<failed_attempt> attempts_;
};

// Connects to a host by name and yields the stream: resolves it (see resolve(), which also says
// what `service` may be), then tries its addresses, IPv6 and IPv4 in turn, each as soon as the one
// before has failed or `attempt_delay` has passed; the first that answers is taken, and the others
// are closed ("happy eyeballs", RFC 8305). Throws what resolve() throws; connect_error with one
// line that lists every address tried ("connect www.example.org:80: 192.0.2.1:80: Connection
// refused; [2001:db8::1]:80: Network is unreachable"); or cancelled, when nothing stays open.
// Without a limit of time of its own: with_timeout(5s, connect("www.example.org", "http")).
WEFT_API task<tcp_stream> connect(std::string host, std::string service,
                                  connect_options options = {});
inline task<tcp_stream> connect(std::string host, std::uint16_t port,
                                connect_options options = {}) {
  return connect(std::move(host), std::to_string(port), options);
}

// The same with addresses that are known already, at least one, in the order of preference; `name`
// stands for them in the error. Throws std::invalid_argument for none.
WEFT_API task<tcp_stream> connect(std::vector<endpoint> peers, std::string name,
                                  connect_options options = {});

}  // namespace weft::inline v0::net
