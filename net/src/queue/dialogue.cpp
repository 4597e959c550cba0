// See dialogue.hpp.
#include "queue/dialogue.hpp"

#include <charconv>
#include <exception>
#include <vector>

#include "weft/net/queue/error.hpp"
#include "weft/time.hpp"

namespace weft::inline v0::detail {

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
  if (!goes_on()) return;
  try {
    if (answer) {
      if (late) late(*this, *answer);
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
  late_.clear();
  held_->clear();
}

task<> queue_dialogue::keep_leases_up() {
  for (;;) {
    co_await sleep_for(lease_ / 3);
    std::vector<std::pair<std::uint64_t, std::uint32_t>> held;
    for (auto const& each : *held_) {
      std::uint64_t id = 0;
      std::from_chars(each.entry.data(), each.entry.data() + each.entry.size(), id);
      held.emplace_back(id, each.delivery);
    }
    if (!held.empty()) tell("extend", held);
  }
}

}  // namespace weft::inline v0::detail
