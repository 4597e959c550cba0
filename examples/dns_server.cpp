// dns_server: a small name server, so that examples and tests need no network. It answers over UDP
// and TCP what its zone files say (RFC 1035), each query as a task of its own: with --latency as
// many wait as come in. SIGINT or SIGTERM stops it.
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include <fmt/format.h>
#include <weft/net.hpp>
#include <weft/net/dns/name.hpp>
#include <weft/weft.hpp>

#include "command_line.hpp"
#include "dns_server/zone.hpp"

using namespace std::chrono_literals;
namespace net = weft::net;
namespace dns = weft::net::dns;

namespace {

struct arguments {
  std::string host = "127.0.0.1";
  std::uint16_t port = 5353;
  weft::backend_kind backend = weft::backend_kind::automatic;
  std::vector<std::string> zones;
  std::chrono::milliseconds latency{0};
  std::vector<std::string> servfail;  // the names that get a SERVFAIL,
  std::vector<std::string> drop;      // no answer at all,
  std::vector<std::string> truncate;  // or, over UDP, one without records and with the TC bit
};

constexpr std::uint16_t udp_size_max = 1232;  // what a datagram of ours may have (RFC 9715)
constexpr std::size_t plain_size_max = 512;   // what it may have for one who says nothing
constexpr std::size_t waiting_max = 100'000;  // answers that wait; what comes then is dropped
constexpr std::size_t receive_buffer_bytes = 4 << 20;  // for queries that come at once
constexpr std::size_t query_size_max = 4096;           // of a datagram
constexpr auto idle_max = 10s;                         // how long a connection may be silent

// ---- Answers.

class responder {
 public:
  explicit responder(arguments const& given) : given_(given) {
    for (auto const& path : given.zones) authority_.serve(dns_server::zone::load(path));
  }

  // The answer's bytes; none when there is to be no answer.
  [[nodiscard]] std::vector<std::byte> answer(std::span<std::byte const> bytes, bool is_tcp) const {
    dns::message query;
    try {
      query = dns::decode(bytes);
    } catch (dns::malformed const&) {
      return complaint(bytes);
    }
    if (query.qr || drops(query)) return {};
    auto reply = answer(query);
    reply.id = query.id;
    reply.opcode = query.opcode;
    reply.qr = true;
    if (query.edns) reply.edns.emplace().udp_size = udp_size_max;
    if (is_tcp) return dns::encode(reply);
    if (is_listed(query, given_.truncate)) {
      reply.tc = true;
      for (auto* const section : {&reply.answers, &reply.authorities, &reply.additionals})
        section->clear();
    }
    std::size_t const asked_for = query.edns ? query.edns->udp_size : 0;
    return dns::encode(reply, std::clamp<std::size_t>(asked_for, plain_size_max, udp_size_max));
  }

 private:
  [[nodiscard]] dns::message answer(dns::message const& query) const {
    dns::message reply;
    reply.rd = query.rd;
    reply.questions = query.questions;
    if (query.opcode != dns::opcode::query)
      reply.rcode = dns::rcode::notimp;
    else if (query.questions.size() != 1)
      reply.rcode = dns::rcode::formerr;
    else if (query.edns && query.edns->version != 0)
      reply.rcode = dns::rcode::badvers;
    else if (is_listed(query, given_.servfail))
      reply.rcode = dns::rcode::servfail;
    else
      return authority_.answer(query);
    return reply;
  }

  // To what is no message: a header that says so, if there is an id to answer to.
  static std::vector<std::byte> complaint(std::span<std::byte const> bytes) {
    constexpr std::size_t header_size = 12;
    constexpr std::byte response{0x80};
    if (bytes.size() < header_size || (bytes[2] & response) != std::byte{}) return {};
    dns::message reply;
    reply.id = static_cast<std::uint16_t>(std::to_integer<unsigned>(bytes[0]) << 8 |
                                          std::to_integer<unsigned>(bytes[1]));
    reply.qr = true;
    reply.rd = false;
    reply.rcode = dns::rcode::formerr;
    return dns::encode(reply);
  }

  [[nodiscard]] bool drops(dns::message const& query) const {
    return is_listed(query, given_.drop);
  }

  static bool is_listed(dns::message const& query, std::vector<std::string> const& names) {
    return !query.questions.empty() && std::ranges::any_of(names, [&](std::string const& each) {
      return dns::is_same_name(each, query.questions.front().name);
    });
  }

  arguments const& given_;
  dns_server::authority authority_;
};

// ---- UDP.

class udp_server {
 public:
  udp_server(net::udp_socket& socket, responder const& answers, arguments const& given)
      : socket_(socket), answers_(answers), latency_(given.latency) {}

  // Takes as many queries at once as there are, so that few are lost when many come.
  weft::task<> run() {
    co_await weft::scope([this](weft::task_scope& tasks) -> weft::task<> {
      std::vector<std::byte> memory(net::udp_socket::batch_max * query_size_max);
      std::vector<net::receive_slot> slots;
      for (std::span<std::byte> rest = memory; !rest.empty(); rest = rest.subspan(query_size_max))
        slots.push_back({rest.first(query_size_max)});
      for (;;) {
        auto const count = co_await socket_.receive_batch(slots);
        for (auto& slot : std::span(slots).first(count)) {
          auto bytes = answers_.answer(slot.bytes(), false);
          if (bytes.empty() || tasks.size() >= waiting_max) continue;
          if (latency_ != 0ms)
            tasks.spawn(send_later(std::move(bytes), slot.received.from));
          else
            co_await send(std::move(bytes), slot.received.from);
        }
      }
    });
  }

 private:
  weft::task<> send_later(std::vector<std::byte> bytes, net::endpoint to) {
    co_await weft::sleep_for(latency_);
    co_await send(std::move(bytes), to);
  }

  weft::task<> send(std::vector<std::byte> bytes, net::endpoint to) {
    auto const lock = co_await sending_.lock();
    // Whoever cannot be reached has no answer: it is as if the datagram were lost on the way.
    auto const sent = co_await weft::as_result(socket_.send_to(bytes, to));
    static_cast<void>(sent);
  }

  net::udp_socket& socket_;
  responder const& answers_;
  std::chrono::milliseconds latency_;
  weft::mutex sending_;
};

// ---- TCP: each message has its length before it (RFC 1035, section 4.2.2).

class connection {
 public:
  connection(net::tcp_stream&& peer, responder const& answers, arguments const& given)
      : peer_(std::move(peer)), answers_(answers), latency_(given.latency) {}

  // Queries may follow each other without waiting for answers (RFC 7766, section 6.2.1.1).
  weft::task<> run() {
    co_await weft::scope([this](weft::task_scope& tasks) -> weft::task<> {
      for (;;) {
        auto const query = co_await weft::with_timeout(idle_max, next());
        if (query.empty()) co_return;
        tasks.spawn(answer(query, co_await places_.acquire()));
      }
    });
  }

 private:
  // Empty at the end of the connection.
  weft::task<std::vector<std::byte>> next() {
    std::vector<std::byte> query;
    try {
      std::array<std::byte, 2> length{};
      co_await in_.read_exactly(length);
      query.resize(std::to_integer<std::size_t>(length[0]) << 8 |
                   std::to_integer<std::size_t>(length[1]));
      co_await in_.read_exactly(query);
    } catch (weft::end_of_stream const&) {
      query.clear();
    }
    co_return query;
  }

  weft::task<> answer(std::vector<std::byte> query, weft::permit) {
    if (latency_ != 0ms) co_await weft::sleep_for(latency_);
    auto bytes = answers_.answer(query, true);
    if (bytes.empty()) co_return;
    std::array const length{static_cast<std::byte>(bytes.size() >> 8),
                            static_cast<std::byte>(bytes.size() & 0xff)};
    bytes.insert(bytes.begin(), length.begin(), length.end());
    auto const lock = co_await sending_.lock();
    co_await weft::with_timeout(idle_max, peer_.write_all(bytes));
  }

  net::tcp_stream peer_;
  weft::buffered_reader<net::tcp_stream> in_{peer_};
  responder const& answers_;
  std::chrono::milliseconds latency_;
  weft::mutex sending_;
  weft::semaphore places_{64};  // for queries of one client that are being answered
};

// ---- The program.

struct sockets {
  net::udp_socket udp;
  net::tcp_listener tcp;
};

// Both at one port. A free one for UDP may be taken for TCP: then another one is tried.
sockets bind(arguments const& given) {
  net::endpoint const at(net::address::parse(given.host), given.port);
  for (int attempts = 0;; ++attempts) {
    auto udp = net::udp_socket::bind(at);
    try {
      auto tcp = net::tcp_listener::bind(udp.local());
      return {std::move(udp), std::move(tcp)};
    } catch (std::system_error const& error) {
      bool const taken = error.code() == std::errc::address_in_use;
      if (!taken || given.port != 0 || attempts == 100) throw;
    }
  }
}

weft::task<> serve(arguments given) {
  responder const answers(given);
  auto [udp, tcp] = bind(given);
  udp.set_receive_buffer_size(receive_buffer_bytes);
  fmt::print("listening on {} ({})\n", tcp.local().to_string(), weft::this_loop::backend_name());
  std::fflush(stdout);

  auto const handle = [&](net::tcp_stream peer) -> weft::task<> {
    connection accepted(std::move(peer), answers, given);
    co_await accepted.run();
  };
  udp_server over_udp(udp, answers, given);
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    tasks.spawn(weft::until_stop([&] { return over_udp.run(); }));
    tasks.spawn(net::serve(tcp, handle, {.drain = 1s}));
    co_return;
  });
}

value_check must_be_a_name() {
  return must_be("a domain name", [](std::string const& value) {
    try {
      dns::parse_name(value);
      return true;
    } catch (std::invalid_argument const&) {
      return false;
    }
  });
}

}  // namespace

int main(int count, char** values) {
  arguments given;
  std::size_t latency_ms = 0;
  command_line line("Answers DNS queries out of zone files.", "dns_server");
  line.add_option("--zone", given.zones, "a file with a zone; may be given several times");
  line.require_option("--zone");
  line.add_option("--port", given.port, "where to listen, UDP and TCP (5353); 0 picks a free port");
  line.add_option("--host", given.host, "an address of this machine (127.0.0.1)",
                  must_be_an_address());
  line.add_backend_option(given.backend);
  line.add_option("--latency", latency_ms, "milliseconds to wait before each answer (0)",
                  must_be_between(0, 3'600'000));
  line.add_option("--servfail", given.servfail, "a name to answer with SERVFAIL", must_be_a_name());
  line.add_option("--drop", given.drop, "a name to leave without an answer", must_be_a_name());
  line.add_option("--truncate", given.truncate, "a name that is answered over TCP only",
                  must_be_a_name());
  if (auto const code = line.parse(count, values)) return *code;
  given.latency = std::chrono::milliseconds(latency_ms);
  for (auto* const names : {&given.servfail, &given.drop, &given.truncate})
    for (auto& name : *names) name = dns::parse_name(name);
  return weft::run_main(serve(given), {.backend = given.backend});
}
