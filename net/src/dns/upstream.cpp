// See upstream.hpp.
#include "dns/upstream.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <stdexcept>

#include <fmt/format.h>

#include "dns/message_front.hpp"
#include "weft/net/tcp.hpp"
#include "weft/retry.hpp"
#include "weft/stream.hpp"
#include "weft/timeout.hpp"

namespace weft::inline v0::detail {

using net::dns::errc;
using net::dns::message;
using net::dns::query_error;
using net::dns::reply;

namespace {

// Whether it is this machine that has too little of something, and not the server that fails.
bool is_of_this_machine(std::error_code error) noexcept {
  constexpr std::array own{std::errc::too_many_files_open, std::errc::too_many_files_open_in_system,
                           std::errc::not_enough_memory, std::errc::no_buffer_space};
  return std::ranges::any_of(own, [&](std::errc one) { return error == one; });
}

// A header that says so counts even if what follows was cut in its midst.
bool is_cut_short(std::span<std::byte const> bytes) {
  wire_reader reader(bytes);
  return read_header(reader).message.tc;
}

}  // namespace

std::string query_text(net::dns::question const& asked, std::span<net::endpoint const> servers) {
  std::string text = fmt::format("query {} {} at ", asked.name, to_string(asked.type));
  for (auto const& server : servers) text += server.to_string() + ", ";
  text.resize(text.size() - 2);
  return text;
}

task<reply> upstream::exchange(message& query, net::dns::exchange_options options) {
  if (query.questions.size() != 1)
    throw std::invalid_argument("weft: a DNS query that has not exactly one question");
  auto const begun = now();
  reply result;
  result.server = server_;
  errc failure{};
  try {
    std::vector<std::byte> bytes;
    if (!options.use_tcp) bytes = co_await over_udp(query, options.timeout);
    if (options.use_tcp || (options.tcp_on_truncation && is_cut_short(bytes))) {
      bytes = co_await over_tcp(query, options.timeout);
      result.over_tcp = true;
    }
    result.message = net::dns::decode(bytes);
    result.size_bytes = bytes.size();
    result.elapsed = now() - begun;
    co_return result;
  } catch (timed_out const&) {
    failure = errc::timed_out;
  } catch (net::dns::malformed const&) {
    failure = errc::malformed;
  } catch (end_of_stream const&) {
    failure = errc::truncated;
  } catch (std::system_error const& error) {
    if (is_of_this_machine(error.code())) throw;
    bool const is_closed = error.code() == std::errc::operation_canceled;
    failure = is_closed ? errc::closed : errc::unreachable;
  }
  throw query_error(failure, query_text(query.questions[0], std::span(&server_, 1)));
}

std::shared_ptr<udp_channel> upstream::channel_with_room() {
  std::erase_if(channels_, [](auto const& channel) { return channel.expired(); });
  for (auto const& known : channels_)
    if (auto channel = known.lock(); channel && channel->has_room()) return channel;
  auto opened = std::make_shared<udp_channel>(server_);
  channels_.push_back(opened);
  return opened;
}

task<std::vector<std::byte>> upstream::over_udp(message& query, std::chrono::nanoseconds timeout) {
  auto const turn = co_await datagrams_.acquire();
  udp_channel::waiting waiting(channel_with_room(), query, tasks_);
  query.id = waiting.id();
  auto const bytes = net::dns::encode(query);
  co_return co_await with_timeout(timeout, waiting.exchange(bytes));
}

task<std::vector<std::byte>> upstream::over_tcp(message& query, std::chrono::nanoseconds timeout) {
  auto const turn = co_await streams_.acquire();
  query.id = static_cast<std::uint16_t>(random_unit() * 65'536);
  co_return co_await with_timeout(timeout, talk(query));
}

// See RFC 1035, section 4.2.2: two bytes with the size come before each message. A connection that
// breaks once it is there has cut the answer short.
task<std::vector<std::byte>> upstream::talk(message const& query) {
  expected_response const expected(query);
  auto const bytes = net::dns::encode(query);
  std::vector<std::byte> framed{static_cast<std::byte>(bytes.size() >> 8),
                                static_cast<std::byte>(bytes.size())};
  framed.insert(framed.end(), bytes.begin(), bytes.end());
  auto stream = co_await net::connect(server_);
  try {
    co_await stream.write_all(framed);
    for (;;) {
      std::array<std::byte, 2> size{};
      co_await read_exactly(stream, size);
      std::vector<std::byte> answer(wire_reader(size).u16("the size"));
      co_await read_exactly(stream, answer);
      if (expected.is(answer)) co_return answer;
    }
  } catch (transfer_error const& error) {
    throw end_of_stream(error.bytes_done());
  }
}

}  // namespace weft::inline v0::detail
