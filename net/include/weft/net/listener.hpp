// Listening sockets: what TCP and Unix listeners have in common.
#pragma once

#include <string>
#include <utility>

#include "weft/net/socket_base.hpp"

namespace weft::inline v0 {

namespace detail {

// Accepts a descriptor: all of it but the stream that is made of it.
class WEFT_API accepting : public io_operation {
 public:
  explicit accepting(descriptor& listening);
  int perform() noexcept override;
  // "accept 127.0.0.1:80"
  [[nodiscard]] std::string describe() const override;

 protected:
  ~accepting() = default;
};

template <class Stream>
class accept_operation final : public tried_operation<accept_operation<Stream>, Stream, accepting> {
 public:
  explicit accept_operation(descriptor& listening)
      : tried_operation<accept_operation<Stream>, Stream, accepting>(listening) {}
  Stream value() noexcept { return Stream::adopt(std::exchange(this->result_, 0)); }
};

// For the listeners' adopt(): checks that the socket listens, and makes it non-blocking.
WEFT_API descriptor adopt_listening(int fd);

}  // namespace detail

namespace net {

// Yields streams of that type. One accept may wait at a time.
template <class Stream>
class listener : public socket_base {
 public:
  using stream_type = Stream;
  using accept_operation = detail::accept_operation<Stream>;

  // Waits for a connection and yields it. Cancelled, it loses none. Connections that failed before
  // they were accepted are skipped. Throws std::system_error (EMFILE and ENFILE when no descriptor
  // is left, ENOBUFS) or std::bad_alloc; the listener stays usable. Once it is closed, an accept
  // that waits ends with ECANCELED. See accept(2).
  [[nodiscard]] accept_operation accept() { return accept_operation(descriptor_); }

 protected:
  listener() noexcept = default;
  explicit listener(descriptor&& listening) noexcept : socket_base(std::move(listening)) {}
};

}  // namespace net

}  // namespace weft::inline v0
