// The pool that users hold; what it does is in process_crew.cpp.
#include "weft/process_pool.hpp"

#include <utility>

#include "process_crew.hpp"

namespace weft::inline v0 {

worker_died::worker_died(std::optional<exit_status> how)
    : std::runtime_error("weft::process_pool: the process of this job ended: " +
                         (how ? how->to_string() : "nobody knows how, the fork server has died")),
      how_(how) {}

remote_error::remote_error(std::string type_name, std::string message)
    : std::runtime_error(type_name + ": " + message),
      type_name_(std::make_shared<std::string const>(std::move(type_name))),
      message_(std::make_shared<std::string const>(std::move(message))) {}

void detail::process_crew_deleter::operator()(process_crew* crew) const noexcept { delete crew; }

process_pool::process_pool(std::size_t size) : process_pool(process_pool_options{.size = size}) {}

process_pool::process_pool(process_pool_options options)
    : crew_(new detail::process_crew(std::move(options))) {}

process_pool::~process_pool() = default;

void process_pool::close() noexcept { crew_->close(); }
task<> process_pool::join() { return crew_->join(); }
void process_pool::terminate() noexcept { crew_->terminate(); }
std::size_t process_pool::size() const noexcept { return crew_->size(); }
executor_stats process_pool::stats() const { return crew_->stats(); }
std::vector<pid_t> process_pool::pids() const { return crew_->pids(); }
detail::job_taker& process_pool::taker() const noexcept { return *crew_; }

}  // namespace weft::inline v0
