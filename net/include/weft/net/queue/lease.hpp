// lease: a task in the hands of a worker. It comes out of work_queue::take, and goes back into ack
// or fail.
#pragma once

#include <compare>
#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <utility>

#include "weft/detail/compiler.hpp"
#include "weft/net/detail/queue_value.hpp"

namespace weft::inline v0 {

namespace detail {

// How a queue knows one delivery of a task.
struct lease_ticket {
  std::string entry;
  std::uint32_t delivery = 0;

  friend std::strong_ordering operator<=>(lease_ticket const&, lease_ticket const&) = default;
};

// The leases that live, of one queue over one connection: those that are kept up.
using held_leases = std::set<lease_ticket>;

}  // namespace detail

namespace net {

// While it lives, its queue keeps the lease up; once it is destroyed without an ack or a fail, the
// lease runs out by itself, and the task is delivered again. Belongs to the loop of its queue,
// which must not block for as long as a lease lasts: nothing is kept up meanwhile.
class WEFT_API lease {
 public:
  // For implementations of work_queue.
  lease(std::string id, detail::lease_ticket ticket, std::string value,
        std::shared_ptr<detail::held_leases> held);
  lease(lease&&) noexcept = default;
  lease& operator=(lease&& other) noexcept;
  ~lease();

  // The task's, the same for each delivery.
  [[nodiscard]] std::string const& id() const noexcept { return id_; }

  // Which delivery this is, from 1; with more than one, the work may have been done before, or
  // half.
  [[nodiscard]] std::uint32_t delivery() const noexcept { return ticket_.delivery; }

  // The task's value. Throws std::runtime_error for one of another type.
  template <transferable T>
  [[nodiscard]] T value() const {
    return detail::decoded_value<T>(value_, "the value of task " + id_);
  }

  // For implementations of work_queue.
  [[nodiscard]] detail::lease_ticket const& ticket() const noexcept { return ticket_; }
  [[nodiscard]] std::shared_ptr<detail::held_leases> const& held() const noexcept { return held_; }

 private:
  std::string id_;
  detail::lease_ticket ticket_;
  std::string value_;
  std::shared_ptr<detail::held_leases> held_;
};

}  // namespace net
}  // namespace weft::inline v0
