// See udp_channel.hpp.
#include "dns/udp_channel.hpp"

#include <new>
#include <utility>

#include "weft/result.hpp"
#include "weft/retry.hpp"

namespace weft::inline v0::detail {

namespace {

// As much as the system lets a socket keep for us until we come to it.
constexpr std::size_t receive_buffer_bytes = 1 << 20;
constexpr std::size_t datagram_size_max = 65'535;

}  // namespace

udp_channel::udp_channel(net::endpoint const& server) : socket_(net::udp_socket::connect(server)) {
  socket_.set_receive_buffer_size(receive_buffer_bytes);
}

void udp_channel::end_all(std::error_code error) noexcept {
  is_over_ = true;
  for (auto const& [id, one] : std::exchange(waiting_, {})) one->end(error);
  if (receiving_) receiving_.cancel();  // nobody is left to receive for
}

// The handle keeps the frame of this, which keeps the channel: so it must go at the end.
task<> udp_channel::receive(std::shared_ptr<udp_channel> channel) {
  struct at_end {
    udp_channel& of;
    ~at_end() {
      of.receiving_ = {};
      of.end_all(std::make_error_code(std::errc::operation_canceled));
    }
  } const ending{*channel};
  try {
    auto const memory = std::make_unique_for_overwrite<std::byte[]>(datagram_size_max);
    std::span const buffer(memory.get(), datagram_size_max);
    while (!channel->waiting_.empty()) {
      auto const received = co_await as_result(channel->socket_.receive(buffer));
      if (received)
        channel->hand_out(buffer.first(*received));
      else
        channel->end_all(received.error());
    }
  } catch (std::bad_alloc const&) {
    channel->end_all(std::make_error_code(std::errc::not_enough_memory));
  }
}

// What answers no question is ignored, and the wait goes on: somebody may be guessing ids.
void udp_channel::hand_out(std::span<std::byte const> bytes) {
  if (bytes.size() < 2) return;
  auto const found = waiting_.find(wire_reader(bytes).u16("the id"));
  if (found == waiting_.end()) return;
  waiting& one = *found->second;
  if (!one.expected_.is(bytes)) return;
  one.answer_.assign(bytes.begin(), bytes.end());
  waiting_.erase(found);
  one.end({});
}

void udp_channel::leave(std::uint16_t id) noexcept {
  if (waiting_.erase(id) == 0 || !waiting_.empty()) return;
  is_over_ = true;
  if (receiving_) receiving_.cancel();
}

udp_channel::waiting::waiting(std::shared_ptr<udp_channel> channel, net::dns::message const& query,
                              task_scope& tasks)
    : channel_(std::move(channel)), expected_(query) {
  do expected_.id = static_cast<std::uint16_t>(random_unit() * 65'536);
  while (!channel_->waiting_.try_emplace(id(), this).second);
  ++channel_->asked_;
  try {
    if (!channel_->receiving_) channel_->receiving_ = tasks.spawn(receive(channel_));
  } catch (...) {
    channel_->leave(id());
    throw;
  }
}

udp_channel::waiting::~waiting() {
  if (!ended_.is_set()) channel_->leave(id());
}

task<std::vector<std::byte>> udp_channel::waiting::exchange(std::span<std::byte const> query) {
  std::error_code error;
  {
    auto const turn = co_await channel_->sending_.lock();
    if (!ended_.is_set()) {
      auto const sent = co_await as_result(channel_->socket_.send(query));
      error = sent.error();
    }
  }
  // Such an error is about what was sent before, to the same place.
  if (error == std::errc::connection_refused) channel_->end_all(error);
  if (error && !ended_.is_set()) throw std::system_error(error);
  co_await ended_.wait();
  if (error_) throw std::system_error(error_);
  co_return std::move(answer_);
}

void udp_channel::waiting::end(std::error_code error) noexcept {
  error_ = error;
  ended_.set();
}

}  // namespace weft::inline v0::detail
