// The timer wheel against a model: a map ordered by deadline, and by start among equals.
#include "timers.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <random>
#include <vector>

using weft::detail::never;
using weft::detail::timer;
using weft::detail::timers;

namespace {

// Notes that it fired.
class noting_timer final : public timer {
 public:
  void fire() noexcept override { fired->push_back(this); }

  std::vector<noting_timer const*>* fired = nullptr;
};

// The wheel and the model side by side, driven by a fixed sequence of random numbers.
class comparison {
 public:
  explicit comparison(std::uint64_t seed) : random_(seed) {
    for (auto& each : all_) each.fired = &fired_;
  }
  ~comparison() {
    for (auto& each : all_) wheel_.stop(each);
  }
  comparison(comparison const&) = delete;
  comparison& operator=(comparison const&) = delete;

  void step() {
    auto const choice = random_() % 10;
    if (choice < 5)
      start(all_[random_() % all_.size()]);
    else if (choice < 7)
      stop(all_[random_() % all_.size()]);
    else
      expire(reached_ + some_span(48));
    REQUIRE(wheel_.size() == model_.size());
    REQUIRE(wheel_.empty() == model_.empty());
  }

  void expire(std::int64_t now) {
    std::vector<noting_timer const*> expected;
    while (!model_.empty() && model_.begin()->first <= now) {
      expected.push_back(model_.begin()->second);
      model_.erase(model_.begin());
    }
    check_next();
    fired_.clear();
    wheel_.expire(now);
    reached_ = std::max(reached_, now);
    REQUIRE(fired_ == expected);
    for (auto const* each : fired_) REQUIRE_FALSE(each->pending());
  }

  [[nodiscard]] bool done() const { return model_.empty(); }

 private:
  // All magnitudes up to 2^bits_max are equally likely: from nanoseconds to days, or to years.
  std::int64_t some_span(unsigned bits_max) {
    auto const bits = random_() % (bits_max + 1);
    return static_cast<std::int64_t>(random_() >> (64 - bits - 1) >> 1);
  }

  void start(noting_timer& started) {
    stop(started);
    std::int64_t deadline = reached_ + some_span(58);
    auto const kind = random_() % 8;
    if (kind == 0) deadline = never;
    if (kind == 1) deadline = reached_ - some_span(48);  // passed already: due at once
    if (kind == 2 && !model_.empty()) deadline = model_.begin()->first;
    wheel_.start(started, deadline);
    model_.emplace(std::max(deadline, reached_), &started);
    REQUIRE(started.pending());
  }

  void stop(noting_timer& stopped) {
    wheel_.stop(stopped);
    REQUIRE_FALSE(stopped.pending());
    std::erase_if(model_, [&](auto const& entry) { return entry.second == &stopped; });
  }

  // Never after the earliest deadline, so no timer is late; expiring there gets closer each time.
  void check_next() {
    if (!model_.empty()) REQUIRE(wheel_.next() <= model_.begin()->first);
  }

  std::mt19937_64 random_;
  timers wheel_;
  std::array<noting_timer, 100> all_;
  std::vector<noting_timer const*> fired_;
  std::multimap<std::int64_t, noting_timer const*> model_;
  std::int64_t reached_ = 0;
};

}  // namespace

TEST_CASE("the wheel behaves as an ordered map through 100'000 random steps") {
  for (std::uint64_t const seed : {1u, 2u, 3u, 4u, 5u}) {
    CAPTURE(seed);
    comparison both(seed);
    for (int i = 0; i < 20'000; ++i) {
      CAPTURE(i);
      both.step();
    }
    both.expire(never);
    CHECK(both.done());
  }
}

TEST_CASE("sleeping until next() reaches a far deadline in a few steps, without missing it") {
  std::vector<noting_timer const*> fired;
  for (std::int64_t const deadline :
       {std::int64_t{1}, std::int64_t{63}, std::int64_t{64}, std::int64_t{4'095},
        std::int64_t{123'456'789'012'345}, never - 1}) {
    CAPTURE(deadline);
    timers wheel;
    noting_timer one;
    one.fired = &fired;
    fired.clear();
    CHECK(wheel.next() == never);
    wheel.start(one, deadline);
    int steps = 0;
    while (fired.empty()) {
      REQUIRE(wheel.next() <= deadline);
      wheel.expire(wheel.next());
      REQUIRE(++steps <= 11);
    }
    CHECK(wheel.next() == never);
    CHECK(wheel.empty());
  }
}

TEST_CASE("a timer stopped twice, or never started, is no harm") {
  std::vector<noting_timer const*> fired;
  timers wheel;
  noting_timer one;
  one.fired = &fired;
  wheel.stop(one);
  wheel.start(one, 10);
  wheel.stop(one);
  wheel.stop(one);
  wheel.expire(20);
  CHECK(fired.empty());
  CHECK(wheel.empty());
}

TEST_CASE("a timer that a firing one starts with a deadline that has passed fires as well") {
  class restarting final : public timer {
   public:
    void fire() noexcept override {
      if (++fired < 3) wheel->start(*this, 5);
    }
    timers* wheel = nullptr;
    int fired = 0;
  };
  timers wheel;
  restarting one;
  one.wheel = &wheel;
  wheel.start(one, 10);
  wheel.expire(9);
  CHECK(one.fired == 0);
  wheel.expire(10);
  CHECK(one.fired == 3);
}
