// See weft/detail/codec.hpp.
#include "weft/detail/codec.hpp"

#include <stdexcept>
#include <utility>

namespace weft::inline v0::detail {

namespace {

constinit thread_local traveling_descriptors* innermost = nullptr;

}  // namespace

traveling_descriptors::traveling_descriptors(std::vector<int>& open) noexcept
    : open_(open), outer_(std::exchange(innermost, this)) {}

traveling_descriptors::~traveling_descriptors() { innermost = outer_; }

std::size_t traveling_descriptors::add(int fd) {
  if (innermost == nullptr)
    throw std::logic_error(
        "weft: an end of a queue or pipe travels as an argument of process::start only");
  innermost->open_.push_back(fd);
  return innermost->open_.size() - 1;
}

int traveling_descriptors::take(std::size_t place) {
  if (innermost == nullptr || place >= innermost->open_.size())
    throw std::runtime_error("weft: a descriptor that has not arrived");
  return std::exchange(innermost->open_[place], -1);
}

}  // namespace weft::inline v0::detail
