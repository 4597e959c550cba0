// The way of an abandonable call: into the blocking pool, back through the inbox, and to whoever
// awaits it, if anybody still does.
#include "weft/abandonable.hpp"

#include <cerrno>

#include "loop.hpp"

namespace weft::inline v0::detail {

bool abandonable_job::begin(operation& waiting, int& result) noexcept {
  stage = 0;
  waiting_ = &waiting;
  begin_unawaited();
  result = loop::of(*current_loop).blocking().submit(*this);
  if (result == 0) return true;
  end_unawaited();
  return false;
}

bool abandonable_job::leave() noexcept {
  waiting_ = nullptr;
  blocking_pool& pool = loop::of(*current_loop).blocking();
  if (pool.withdraw(*this)) {
    end_unawaited();
    return true;
  }
  pool.abandon(*this);
  return false;
}

void abandonable_job::run() noexcept {
  if (waiting_ != nullptr)
    waiting_->complete(0);
  else
    delete this;
}

}  // namespace weft::inline v0::detail
