// Sleeping.
#include "weft/time.hpp"

#include <fmt/format.h>

namespace weft::inline v0::detail {

bool sleep_operation::start() noexcept {
  loop_core& loop = *awaiting->within->loop;
  timer::start(loop,
               counted_ == counted::from_now ? deadline_after(loop, nanoseconds_) : nanoseconds_);
  return false;
}

void sleep_operation::cancel() noexcept {
  if (!pending()) return;
  timer::stop(*awaiting->within->loop);
  complete(-ECANCELED);
}

std::string sleep_operation::describe() const {
  if (!pending()) return "sleep";
  if (deadline() == never) return "sleep, for ever";
  double const left = static_cast<double>(deadline() - awaiting->within->loop->now) / 1e9;
  return fmt::format("sleep, {:.3f} s left", left > 0 ? left : 0);
}

}  // namespace weft::inline v0::detail
