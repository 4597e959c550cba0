// The pools of the program, so that metrics and reports can name them all.
#pragma once

#include <functional>
#include <thread>
#include <vector>

#include "weft/metrics.hpp"

namespace weft::inline v0::detail {

// On which threads a pool may be asked: a process_pool is one loop's.
enum class asked_on : bool { any_thread, own_thread };

// Keeps a pool in the registry while it lives.
class registered_pool {
 public:
  registered_pool(asked_on where, std::function<pool_metrics()> ask);
  registered_pool(registered_pool const&) = delete;
  registered_pool& operator=(registered_pool const&) = delete;
  ~registered_pool();

  // A pool's own thread is from now on this one.
  void move_to_this_thread() noexcept;

 private:
  asked_on where_;
  std::thread::id thread_ = std::this_thread::get_id();  // under the registry's mutex
  std::function<pool_metrics()> ask_;

  friend std::vector<pool_metrics> all_pools();
};

// Asks all that this thread may ask, in the order in which they were made.
std::vector<pool_metrics> all_pools();

}  // namespace weft::inline v0::detail
