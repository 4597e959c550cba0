// An operation that the kernel carries out. Each kind is one small class that says how it is put
// into a submission entry, what readiness it needs, and how the plain system call is done; backends
// know none of them by name, so adding one touches no backend.
#pragma once

#include <cstdint>

#include "weft/detail/buffer_pool.hpp"
#include "weft/detail/chain.hpp"

struct io_uring_sqe;

namespace weft::inline v0::detail {

// The readiness that lets perform() succeed without blocking. Operations that know none go to the
// blocking pool wherever the ring does not take them.
enum class interest : std::uint8_t { none, read, write };

// Whose descriptor it is. A borrowed one may be closed behind our back, so no backend keeps a
// registration of it beyond the operation. An owned one is made non-blocking before perform(),
// unless it is a socket: operations on those ask the kernel not to wait each time.
enum class ownership : std::uint8_t { owned, owned_socket, borrowed };

class WEFT_API io_operation : public operation {
 public:
  io_operation(char const* name, int descriptor, interest wanted,
               ownership held = ownership::owned) noexcept
      : operation(name), fd(descriptor), wants(wanted), whose(held) {}

  // Describes the operation to the ring; false, the default, when it has no ring form. An operation
  // that knows the readiness it needs is then tried first.
  virtual bool prepare(io_uring_sqe& entry) const noexcept;

  // Does it, without waiting where `wants` says that readiness is needed: a value, or -errno. On
  // the loop's thread, or on a thread of the blocking pool.
  virtual int perform() noexcept = 0;

  // "read fd 5"
  [[nodiscard]] std::string describe() const override;

  void cancel() noexcept final;

  // Hands it to the loop; true when it completed inline.
  bool start() noexcept;

  // Takes the place in `direction` until the operation ends or the place is given to others: of one
  // descriptor, one operation reads and one writes at a time.
  void claim(io_operation*& direction) {
    if (direction != nullptr) [[unlikely]]
      refuse_second();
    direction = this;
    claimed_ = &direction;
  }

  // Ends it because its descriptor is being closed. From now on that may be gone.
  void abandon() noexcept {
    *std::exchange(claimed_, nullptr) = nullptr;
    if (current_phase() == phase::waiting) cancel();
  }

  // For the blocking pool, which has performed the operation on a thread of its own.
  void performed(int result) noexcept { result_ = result; }

  // Of a read of a socket that has completed: the kernel had no more to give at that moment. Set by
  // perform() or by the ring.
  bool drained = false;

  bool offloaded = false;  // the blocking pool has it, not the backend
  bool tried = false;      // perform() has just said EAGAIN; what remains is to wait
  bool first_use = false;  // nothing that is known of the descriptor's number is about this one

  int const fd;
  std::uint16_t buffer = buffer_pool::none;  // the one of the loop's pool that it was given
  interest const wants;
  ownership const whose;

 protected:
  ~io_operation() {
    if (claimed_ != nullptr) *claimed_ = nullptr;
  }

  // For the loop's metrics; of an operation that has begun.
  void count_read(std::size_t bytes) const noexcept { awaiting->within->loop->bytes_read += bytes; }
  void count_written(std::size_t bytes) const noexcept {
    awaiting->within->loop->bytes_written += bytes;
  }

  // Whether what it was made from is still there.
  [[nodiscard]] bool has_place() const noexcept { return claimed_ != nullptr; }

 private:
  [[noreturn]] void refuse_second() const;

  io_operation** claimed_ = nullptr;
};

// The awaiter half of an operation on a socket that is tried before anybody is asked: perform()
// does not wait, and mostly there is room to write.
template <class Derived, class T, class Base>
class tried_operation : public awaitable_operation<Derived, T, Base> {
 public:
  using awaitable_operation<Derived, T, Base>::awaitable_operation;

  bool start() noexcept {
    if (this->first_use) [[unlikely]]
      return io_operation::start();  // which tells the backend
    do this->result_ = static_cast<Derived*>(this)->perform();
    while (this->result_ == -EINTR);
    if (this->result_ != -EAGAIN) [[likely]]
      return true;
    this->tried = true;
    return io_operation::start();
  }

 protected:
  ~tried_operation() = default;
};

}  // namespace weft::inline v0::detail
