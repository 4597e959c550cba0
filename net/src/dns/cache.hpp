// What servers have said lately, for as long as they said that it holds.
#pragma once

#include <cstddef>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "dns/finding.hpp"
#include "weft/net/endpoint.hpp"
#include "weft/time.hpp"

namespace weft::inline v0::detail {

// What has been found out about a question, and how.
struct settled {
  finding found;
  net::dns::message message;
  net::endpoint server;
  bool over_tcp = false;
  clock::time_point at;  // when it came

  [[nodiscard]] bool holds(clock::time_point now) const noexcept {
    return now - at < found.holds_for;
  }
};

// About so much memory as it takes.
[[nodiscard]] std::size_t bytes_of(settled const& answer) noexcept;

// Keeps at most so many, in at most so many bytes; the least recently used go first. What no longer
// holds goes when somebody asks for it, or in its turn.
class answer_cache {
 public:
  answer_cache(std::size_t size_max, std::size_t bytes_max) noexcept
      : size_max_(size_max), bytes_max_(bytes_max) {}

  // Null if there is none that holds.
  [[nodiscard]] std::shared_ptr<settled const> find(std::string_view key, clock::time_point now);

  // Keeps it in the place of an older one; not if it does not hold at all, or is too large.
  void keep(std::string_view key, std::shared_ptr<settled const> answer, clock::time_point now);

  [[nodiscard]] std::size_t size() const noexcept { return by_key_.size(); }

 private:
  struct entry {
    std::string key;
    std::shared_ptr<settled const> answer;
    std::size_t bytes;
  };

  void drop(std::list<entry>::iterator dropped) noexcept;

  std::size_t size_max_;
  std::size_t bytes_max_;
  std::size_t bytes_ = 0;
  std::list<entry> by_use_;                                                  // the last used first
  std::unordered_map<std::string_view, std::list<entry>::iterator> by_key_;  // keys of the entries
};

}  // namespace weft::inline v0::detail
