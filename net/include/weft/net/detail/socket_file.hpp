// The file that the binding of a Unix socket makes, and its end.
#pragma once

#include <cstdint>
#include <utility>

#include "weft/detail/compiler.hpp"
#include "weft/net/unix_address.hpp"

namespace weft::inline v0::detail {

// Owns the file at a path, and removes it unless another is there by then.
class WEFT_API socket_file {
 public:
  socket_file() noexcept = default;
  // Takes over what is at the address now, if that is a path.
  explicit socket_file(net::unix_address const& at) noexcept;
  socket_file(socket_file&& other) noexcept
      : at_(std::exchange(other.at_, {})), device_(other.device_), number_(other.number_) {}
  socket_file& operator=(socket_file&& other) noexcept {
    socket_file old(std::move(other));
    std::swap(at_, old.at_);
    std::swap(device_, old.device_);
    std::swap(number_, old.number_);
    return *this;
  }
  ~socket_file() { remove(); }

  void remove() noexcept;

  // Leaves the file to others.
  void forget() noexcept { at_ = {}; }

 private:
  net::unix_address at_;  // none: there is no file
  std::uint64_t device_ = 0;
  std::uint64_t number_ = 0;
};

}  // namespace weft::inline v0::detail
