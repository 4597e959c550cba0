// See dialogue.hpp.
#include "queue/dialogue.hpp"

#include <algorithm>
#include <charconv>
#include <exception>
#include <span>
#include <utility>
#include <vector>

#include "weft/net/queue/error.hpp"
#include "weft/time.hpp"

namespace weft::inline v0::detail {

namespace {

// In one message; each takes at most 15 bytes.
constexpr std::size_t extended_most = 1'000;

}  // namespace

delivery delivery_of(lease_ticket const& ticket) {
  std::uint64_t id = 0;
  std::from_chars(ticket.entry.data(), ticket.entry.data() + ticket.entry.size(), id);
  return {id, ticket.delivery};
}

task<queue_answer> queue_dialogue::wait(std::shared_ptr<queue_dialogue> with, std::uint64_t number,
                                        std::string message, late_answer late) {
  if (!with->goes_on()) with->throw_why_it_ended();
  struct waiting : asker {
    queue_dialogue& of;
    std::uint64_t number;
    late_answer late;
    bool is_over = false;

    waiting(queue_dialogue& asked, std::uint64_t under, late_answer otherwise)
        : of(asked), number(under), late(std::move(otherwise)) {}
    waiting(waiting const&) = delete;
    waiting& operator=(waiting const&) = delete;
    ~waiting() {
      if (!is_over) of.abandon(number, std::move(late), answer);
    }
  } mine(*with, number, std::move(late));
  with->asking_[number] = &mine;
  with->say(message);
  co_await mine.answered.wait();
  mine.is_over = true;
  if (!mine.answer) with->throw_why_it_ended();
  co_return std::move(*mine.answer);
}

// The answer may have come after the cancellation did, and before this.
void queue_dialogue::abandon(std::uint64_t number, late_answer late,
                             std::optional<queue_answer> const& answer) noexcept {
  asking_.erase(number);
  try {
    if (answer || !goes_on()) {
      if (late)
        late(*this,
             answer.value_or(queue_answer{.status = queue_status::cancelled, .message = {}}));
      return;
    }
    late_[number] = std::move(late);
    say(message_of(number, "cancel", queue_));
  } catch (std::exception const&) {  // no memory, or no answer: the server would think us waiting
    end_dialogue();
  }
}

void queue_dialogue::hand_out(std::string message) {
  std::uint64_t number = 0;
  queue_answer answer;
  read_values([&] {
    auto values = values_in(message);
    number = values.next<std::uint64_t>();
    answer.status = values.next<queue_status>();
    answer.values_at = message.size() - values.size();
  });
  answer.message = std::move(message);
  if (auto const found = asking_.find(number); found != asking_.end()) {
    found->second->answer = std::move(answer);
    found->second->answered.set();
    asking_.erase(found);
  } else if (auto late = late_.extract(number)) {
    if (late.mapped()) late.mapped()(*this, answer);
  } else {
    throw net::frame_error("weft: an answer to what nobody asked a queue server");
  }
}

void queue_dialogue::wake_all() noexcept {
  for (auto const& [number, each] : asking_) each->answered.set();
  asking_.clear();
  for (auto const& [number, late] : std::exchange(late_, {}))
    if (late) late(*this, {.status = queue_status::cancelled, .message = {}});
  held_->clear();
}

task<> queue_dialogue::keep_leases_up() {
  for (;;) {
    co_await sleep_for(lease_ / 3);
    std::vector<delivery> held;
    for (auto const& each : *held_) held.push_back(delivery_of(each));
    for (std::size_t begin = 0; begin < held.size(); begin += extended_most) {
      auto const end = std::min(begin + extended_most, held.size());
      tell("extend", std::vector(held.begin() + static_cast<std::ptrdiff_t>(begin),
                                 held.begin() + static_cast<std::ptrdiff_t>(end)));
    }
  }
}

}  // namespace weft::inline v0::detail
