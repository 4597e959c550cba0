// See pool_registry.hpp.
#include "pool_registry.hpp"

#include <mutex>
#include <utility>

namespace weft::inline v0::detail {

namespace {

struct registry {
  std::mutex mutex;
  std::vector<registered_pool const*> pools;  // under the mutex

  // Never destroyed: a pool may be a static that outlives it.
  static registry& of_program() {
    static auto* const made = new registry;
    return *made;
  }
};

}  // namespace

registered_pool::registered_pool(asked_on where, std::function<pool_metrics()> ask)
    : where_(where), ask_(std::move(ask)) {
  auto& all = registry::of_program();
  std::lock_guard const lock(all.mutex);
  all.pools.push_back(this);
}

registered_pool::~registered_pool() {
  auto& all = registry::of_program();
  std::lock_guard const lock(all.mutex);
  std::erase(all.pools, this);
}

void registered_pool::move_to_this_thread() noexcept {
  std::lock_guard const lock(registry::of_program().mutex);
  thread_ = std::this_thread::get_id();
}

std::vector<pool_metrics> all_pools() {
  auto& all = registry::of_program();
  std::lock_guard const lock(all.mutex);
  std::vector<pool_metrics> asked;
  asked.reserve(all.pools.size());
  for (auto const* const each : all.pools)
    if (each->where_ == asked_on::any_thread || each->thread_ == std::this_thread::get_id())
      asked.push_back(each->ask_());
  return asked;
}

}  // namespace weft::inline v0::detail
