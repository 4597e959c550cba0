// See timers.hpp for the idea.
#include "timers.hpp"

#include <algorithm>
#include <bit>

namespace weft::inline v0::detail {

timers::place timers::place_of(std::int64_t deadline) const noexcept {
  auto const differing =
      static_cast<std::uint64_t>(deadline) ^ static_cast<std::uint64_t>(reached_);
  unsigned const level =
      differing == 0 ? 0 : (static_cast<unsigned>(std::bit_width(differing)) - 1) / digit_bits;
  auto const digit = static_cast<std::uint64_t>(deadline) >> (level * digit_bits);
  return {level, static_cast<unsigned>(digit & (slots - 1))};
}

// All of a level's timers come before those of higher levels, and within a level lower digits come
// first, since a pending deadline shares all higher digits with reached_ and is not before it.
bool timers::lowest(place& found) const noexcept {
  for (unsigned level = 0; level < levels; ++level) {
    if (occupied_[level] == 0) continue;
    found = {level, static_cast<unsigned>(std::countr_zero(occupied_[level]))};
    return true;
  }
  return false;
}

void timers::link(timer& linked) noexcept {
  place const where = place_of(linked.deadline_);
  slot& into = at(where);
  linked.slot_ = static_cast<std::uint16_t>(where.level * slots + where.digit);
  linked.next_ = nullptr;
  linked.previous_ = into.last;
  (into.last != nullptr ? into.last->next_ : into.first) = &linked;
  into.last = &linked;
  into.earliest = std::min(into.earliest, linked.deadline_);
  occupied_[where.level] |= std::uint64_t{1} << where.digit;
}

void timers::unlink(timer& unlinked) noexcept {
  slot& from = wheel_[unlinked.slot_];
  (unlinked.previous_ != nullptr ? unlinked.previous_->next_ : from.first) = unlinked.next_;
  (unlinked.next_ != nullptr ? unlinked.next_->previous_ : from.last) = unlinked.previous_;
  if (from.first == nullptr) {
    from.earliest = never;
    occupied_[unlinked.slot_ / slots] &= ~(std::uint64_t{1} << (unlinked.slot_ % slots));
  }
  unlinked.slot_ = timer::no_slot;
}

void timers::start(timer& started, std::int64_t deadline) noexcept {
  started.deadline_ = std::max(deadline, reached_);
  ++count_;
  link(started);
}

void timers::stop(timer& stopped) noexcept {
  if (!stopped.pending()) return;
  --count_;
  unlink(stopped);
}

// Advances to `reached`, which lies in the slot's span, and places the slot's timers relative to
// it. They all go to lower levels.
void timers::place_anew(place where, std::int64_t reached) noexcept {
  slot& from = at(where);
  timer* moving = from.first;
  from = slot{};
  occupied_[where.level] &= ~(std::uint64_t{1} << where.digit);
  reached_ = reached;
  while (moving != nullptr) {
    timer* const following = moving->next_;
    link(*moving);
    moving = following;
  }
}

void timers::fire_until(std::int64_t now) noexcept {
  place where{};
  while (lowest(where)) {
    slot& first = at(where);
    unsigned const shift = where.level * digit_bits;
    if (now < first.first->deadline_ >> shift << shift) break;  // before the span of the slot
    if (where.level != 0) {
      // Time has come into the slot's span: its timers go down. The bound may be stale; the true
      // one shows at a lower level.
      place_anew(where, std::min(now, std::max(reached_, first.earliest)));
      continue;
    }
    timer& due = *first.first;
    reached_ = due.deadline_;
    --count_;
    unlink(due);
    due.fire();
  }
  reached_ = std::max(reached_, now);
}

std::int64_t timers::lower_bound() const noexcept {
  place where{};
  if (!lowest(where)) return never;
  return wheel_[where.level * slots + where.digit].earliest;
}

}  // namespace weft::inline v0::detail
