// What the programs that resolve names have in common: the names, and that each has its answer
// once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace bench {

inline std::string name_of(std::size_t number) {
  return "n" + std::to_string(number) + ".bulk.example.";
}

class names {
 public:
  explicit names(std::size_t count) : answers_(count) {}

  // The next one to ask for; nothing after the last.
  std::optional<std::size_t> next() {
    if (next_ == answers_.size()) return std::nullopt;
    return next_++;
  }

  // The data of an A record of the name. All names have the same address.
  void answered(std::size_t number, std::span<std::byte const> address) {
    constexpr std::array<unsigned char, 4> expected{192, 0, 2, 1};
    bool const right = address.size() == expected.size() &&
                       std::memcmp(address.data(), expected.data(), expected.size()) == 0;
    answers_[number] += right ? 1 : 2;
  }

  // 0 when every name was answered exactly once.
  [[nodiscard]] int exit_code() const {
    std::size_t wrong = answers_.size() - next_;
    for (unsigned char const count : answers_) wrong += count == 1 ? 0 : 1;
    if (wrong != 0) std::fprintf(stderr, "%zu names were not answered once\n", wrong);
    return wrong == 0 ? 0 : 1;
  }

 private:
  std::vector<unsigned char> answers_;
  std::size_t next_ = 0;
};

struct arguments {
  std::uint16_t port;
  std::size_t names;
  std::size_t in_flight;
};

inline arguments read_arguments(int count, char** values) {
  if (count != 4) {
    std::fprintf(stderr, "usage: %s PORT NAMES IN_FLIGHT\n", values[0]);
    std::exit(2);
  }
  auto const number = [&](int at) { return std::strtoul(values[at], nullptr, 10); };
  return {static_cast<std::uint16_t>(number(1)), number(2), number(3)};
}

}  // namespace bench
