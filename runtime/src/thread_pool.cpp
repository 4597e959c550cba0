// The pool that users hold; what it does is in thread_crew.cpp.
#include "weft/thread_pool.hpp"

#include <utility>

#include "thread_crew.hpp"

namespace weft::inline v0 {

void detail::thread_crew_deleter::operator()(thread_crew* crew) const noexcept { delete crew; }

thread_pool::thread_pool(std::size_t size) : thread_pool(thread_pool_options{.size = size}) {}

thread_pool::thread_pool(thread_pool_options options)
    : crew_(new detail::thread_crew(std::move(options))) {}

thread_pool::~thread_pool() = default;

void thread_pool::close() noexcept { crew_->close(); }
task<> thread_pool::join() { return crew_->join(); }
void thread_pool::terminate() noexcept { crew_->terminate(); }
std::size_t thread_pool::size() const noexcept { return crew_->size(); }
executor_stats thread_pool::stats() const { return crew_->stats(); }
detail::job_taker& thread_pool::taker() const noexcept { return *crew_; }

}  // namespace weft::inline v0
