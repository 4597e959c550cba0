// See cache.hpp.
#include "dns/cache.hpp"

#include <iterator>
#include <utility>

namespace weft::inline v0::detail {

std::shared_ptr<settled const> answer_cache::find(std::string_view key, clock::time_point now) {
  auto const found = by_key_.find(key);
  if (found == by_key_.end()) return nullptr;
  auto const kept = found->second;
  if (!kept->answer->holds(now)) {
    drop(kept);
    return nullptr;
  }
  by_use_.splice(by_use_.begin(), by_use_, kept);
  return kept->answer;
}

void answer_cache::keep(std::string_view key, std::shared_ptr<settled const> answer,
                        clock::time_point now) {
  if (auto const older = by_key_.find(key); older != by_key_.end()) drop(older->second);
  if (size_max_ == 0 || !answer->holds(now)) return;
  by_use_.push_front({std::string(key), std::move(answer)});
  try {
    by_key_.emplace(by_use_.front().key, by_use_.begin());
  } catch (...) {
    by_use_.pop_front();
    throw;
  }
  if (by_key_.size() > size_max_) drop(std::prev(by_use_.end()));
}

void answer_cache::drop(std::list<entry>::iterator dropped) noexcept {
  by_key_.erase(dropped->key);
  by_use_.erase(dropped);
}

}  // namespace weft::inline v0::detail
