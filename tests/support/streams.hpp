// Connected streams, what comes out of them as text, and an echo.
#pragma once

#include <string>
#include <utility>

#include "support/bytes.hpp"
#include "weft/net.hpp"
#include "weft/when_all.hpp"

namespace support {

template <class Stream>
struct pair_of {
  Stream near;
  Stream far;
};
using stream_pair = pair_of<weft::net::tcp_stream>;

inline weft::task<stream_pair> connected() {
  auto listener = weft::net::tcp_listener::bind("127.0.0.1:0");
  auto [near, far] =
      co_await weft::when_all(weft::net::connect(listener.local()), listener.accept());
  co_return {std::move(near), std::move(far)};
}

// A function of its own, since GCC 13 and 14 refuse (co_await x).member inside templates, which the
// cases on every backend are.
template <class Stream>
weft::task<std::string> next_text(Stream& from) {
  auto const data = co_await from.read();
  co_return std::string(data.text());
}

template <class Stream>
weft::task<std::string> read_to_end(Stream& from) {
  std::string all;
  while (weft::buffer const data = co_await from.read()) all += data.text();
  co_return all;
}

// A handler for any listener of Weft's.
inline weft::task<> echo(weft::net::stream_socket peer) {
  while (weft::buffer data = co_await peer.read()) co_await peer.write_all(data);
}

// Sends the question to an echo, and yields the answer; less of it if the stream ends.
inline weft::task<std::string> ask(weft::net::stream_socket& server, std::string question) {
  co_await server.write_all(bytes_of(question));
  std::string answer;
  while (answer.size() < question.size()) {
    auto const data = co_await server.read();
    if (!data) break;
    answer += data.text();
  }
  co_return answer;
}

}  // namespace support
