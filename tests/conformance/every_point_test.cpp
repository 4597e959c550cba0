// Every combinator and primitive, on every backend, ended at every point where it can be.
#include "bodies.hpp"
#include "stream_bodies.hpp"

#include <doctest/doctest.h>

TEST_CASE_ON_EVERY_BACKEND("whatever is cancelled at any suspension ends, and loses nothing") {
  for (auto const* const area : {&bodies::every_body, &bodies::every_stream_body})
    for (auto const& [name, body] : *area) {
      CAPTURE(name);
      int const rounds = support::cancel_at_every_point<On>(body);
      CHECK(rounds > 2);
    }
}

TEST_CASE_ON_EVERY_BACKEND("whatever runs out of memory at any allocation leaves a working loop") {
  if (!support::allocations_can_fail) {
    MESSAGE("skipped: ThreadSanitizer's operator new cannot be replaced");
    return;
  }
  for (auto const* const area : {&bodies::every_body, &bodies::every_stream_body})
    for (auto const& [name, body] : *area) {
      CAPTURE(name);
      int const rounds = support::fail_every_allocation<On>(body);
      CHECK(rounds > 1);
    }
}
