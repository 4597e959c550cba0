// See name_server.hpp.
#include "name_server.hpp"

#include <array>
#include <system_error>
#include <utility>

#include "weft/error.hpp"
#include "weft/stream.hpp"

namespace support {

using weft::net::tcp_listener;
using weft::net::tcp_stream;
using weft::net::udp_socket;
using weft::net::dns::message;
using weft::net::dns::rcode;
using weft::net::dns::record;

namespace {

// The same port for both, which the kernel picks for one and which may be taken for the other.
std::pair<udp_socket, tcp_listener> bind_both() {
  for (int attempt = 0;; ++attempt) {
    auto listener = tcp_listener::bind("127.0.0.1:0");
    try {
      auto socket = udp_socket::bind(listener.local());
      socket.set_receive_buffer_size(1 << 20);
      return {std::move(socket), std::move(listener)};
    } catch (std::system_error const&) {
      if (attempt == 100) throw;
    }
  }
}

}  // namespace

name_server::name_server(script answers) : script_(std::move(answers)) {
  std::tie(socket_, listener_) = bind_both();
}

weft::task<> name_server::run() {
  co_await weft::scope([this](weft::task_scope& tasks) -> weft::task<> {
    tasks.spawn(serve_streams(tasks));
    co_await serve_datagrams(tasks);
  });
}

weft::task<> name_server::serve_datagrams(weft::task_scope& tasks) {
  std::array<std::byte, 4096> buffer{};
  for (;;) {
    auto const came = co_await socket_.receive_from(buffer);
    request question;
    question.query = weft::net::dns::decode(std::span(buffer).first(came.size));
    question.from = came.from;
    question.server_ = this;
    tasks.spawn(answer(std::move(question)));
  }
}

weft::task<> name_server::serve_streams(weft::task_scope& tasks) {
  for (;;) {
    auto stream = co_await listener_.accept();
    tasks.spawn(serve_stream(std::move(stream)));
  }
}

weft::task<> name_server::serve_stream(tcp_stream stream) {
  try {
    for (;;) {
      std::array<std::byte, 2> size{};
      co_await weft::read_exactly(stream, size);
      std::vector<std::byte> bytes(std::to_integer<std::size_t>(size[0]) << 8 |
                                   std::to_integer<std::size_t>(size[1]));
      co_await weft::read_exactly(stream, bytes);
      request question;
      question.query = weft::net::dns::decode(bytes);
      question.over_tcp = true;
      question.from = stream.peer();
      question.server_ = this;
      question.stream_ = &stream;
      ++over_tcp;
      co_await answer(std::move(question));
    }
  } catch (weft::end_of_stream const&) {
  } catch (std::system_error const&) {  // the client has gone, or the script has closed it
  }
}

weft::task<> name_server::answer(request came) {
  asked.push_back(came.query);
  ports.push_back(came.from.port());
  co_await script_(came);
}

message name_server::request::answer(std::vector<std::string> const& lines) const {
  message said = query;
  said.qr = true;
  said.ra = true;
  for (auto const& line : lines) said.answers.push_back(record::parse(line));
  return said;
}

message name_server::request::failure(rcode code) const {
  message said = answer();
  said.rcode = code;
  return said;
}

weft::task<> name_server::request::send(message const& said) {
  auto const bytes = weft::net::dns::encode(said);
  co_await send(bytes);
}

weft::task<> name_server::request::send(std::span<std::byte const> bytes) {
  if (over_tcp) {
    std::vector<std::byte> framed{static_cast<std::byte>(bytes.size() >> 8),
                                  static_cast<std::byte>(bytes.size())};
    framed.insert(framed.end(), bytes.begin(), bytes.end());
    co_await stream_->write_all(framed);
    co_return;
  }
  auto const turn = co_await server_->sending_.lock();
  co_await server_->socket_.send_to(bytes, from);
}

weft::task<> beside(std::vector<name_server*> servers, std::function<weft::task<>()> body) {
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    for (auto* const server : servers) tasks.spawn(server->run());
    co_await body();
    tasks.cancel();
  });
}

}  // namespace support
