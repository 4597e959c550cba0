// See cache.hpp.
#include "dns/cache.hpp"

#include <cstddef>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

namespace weft::inline v0::detail {

namespace {

// What every allocation takes besides, and the nodes of the containers.
constexpr std::size_t overhead = 16;

std::size_t heap_of(std::string const& text) noexcept {
  constexpr std::size_t inside = 15;  // of both standard libraries
  return text.capacity() > inside ? text.capacity() + overhead : 0;
}

std::size_t heap_of(std::vector<net::dns::record> const& records) noexcept {
  std::size_t bytes = records.capacity() * sizeof(net::dns::record) + overhead;
  for (auto const& one : records)
    bytes += heap_of(one.name) + heap_of(one.data) + one.rdata.capacity() + overhead;
  return bytes;
}

}  // namespace

std::size_t bytes_of(settled const& answer) noexcept {
  auto const& message = answer.message;
  return sizeof answer + heap_of(answer.found.records) + heap_of(message.answers) +
         heap_of(message.authorities) + heap_of(message.additionals);
}

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
  std::size_t const bytes = 2 * key.size() + sizeof(entry) + bytes_of(*answer);
  if (bytes > bytes_max_) return;
  by_use_.push_front({std::string(key), std::move(answer), bytes});
  try {
    by_key_.emplace(by_use_.front().key, by_use_.begin());
  } catch (...) {
    by_use_.pop_front();
    throw;
  }
  bytes_ += bytes;
  while (by_key_.size() > size_max_ || bytes_ > bytes_max_) drop(std::prev(by_use_.end()));
}

void answer_cache::drop(std::list<entry>::iterator dropped) noexcept {
  bytes_ -= dropped->bytes;
  by_key_.erase(dropped->key);
  by_use_.erase(dropped);
}

}  // namespace weft::inline v0::detail
