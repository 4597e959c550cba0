// A name server for tests, on the loop of the test: each case scripts what it does with questions.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weft/mutex.hpp"
#include "weft/net/dns/message.hpp"
#include "weft/net/tcp.hpp"
#include "weft/net/udp.hpp"
#include "weft/scope.hpp"
#include "weft/task.hpp"

namespace support {

class name_server {
 public:
  class request;
  // Runs as a task of its own for each question, so it may wait.
  using script = std::function<weft::task<>(request&)>;

  // Listens on a port of 127.0.0.1 that it picks, for datagrams and for connections.
  explicit name_server(script answers);

  [[nodiscard]] weft::net::endpoint at() const { return listener_.local(); }

  // Serves until it is cancelled.
  weft::task<> run();

  // The questions that have come, in this order.
  std::vector<weft::net::dns::message> asked;
  std::size_t over_tcp = 0;          // how many of them over TCP
  std::vector<std::uint16_t> ports;  // the ports that they came from

 private:
  weft::task<> serve_datagrams(weft::task_scope& tasks);
  weft::task<> serve_streams(weft::task_scope& tasks);
  weft::task<> serve_stream(weft::net::tcp_stream stream);
  weft::task<> answer(request came);

  script script_;
  weft::net::udp_socket socket_;
  weft::net::tcp_listener listener_;
  weft::mutex sending_;
};

// One question that has come, and how to answer it.
class name_server::request {
 public:
  weft::net::dns::message query;
  bool over_tcp = false;
  weft::net::endpoint from;

  // What a server would say, with those lines of a zone file as answers.
  [[nodiscard]] weft::net::dns::message answer(std::vector<std::string> const& lines = {}) const;
  [[nodiscard]] weft::net::dns::message failure(weft::net::dns::rcode code) const;

  // Sends it as one message.
  weft::task<> send(weft::net::dns::message const& said);
  weft::task<> send(std::span<std::byte const> message);

  // The connection that the question came over.
  [[nodiscard]] weft::net::tcp_stream& stream() const noexcept { return *stream_; }

 private:
  friend name_server;
  name_server* server_ = nullptr;
  weft::net::tcp_stream* stream_ = nullptr;
};

// Runs `body` beside the servers, which end with it.
weft::task<> beside(std::vector<name_server*> servers, std::function<weft::task<>()> body);

}  // namespace support
