// Texts that are almost valid: for parsers, which must refuse or understand whatever they are
// given.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

namespace support {

// Inserts, erases, replaces or doubles something somewhere. Most of what goes in is in `alphabet`.
inline void mutate(std::string& text, std::string_view alphabet, std::mt19937_64& random) {
  auto const at = random() % (text.size() + 1);
  auto const size = random() % 4;
  auto const letter =
      random() % 8 != 0 ? alphabet[random() % alphabet.size()] : static_cast<char>(random() % 256);
  switch (random() % 4) {
    case 0: text.insert(at, 1, letter); break;
    case 1: text.erase(at, size); break;
    case 2: text.replace(at, 1, 1, letter); break;
    default: text.insert(random() % (text.size() + 1), text.substr(at, size)); break;
  }
}

// Calls `check` with 20,000 texts, each one to three mutations away from one of `valid`. The same
// ones in each run.
template <typename Check>
void for_each_mutation(std::vector<std::string> const& valid, Check check) {
  std::string alphabet;
  for (auto const& text : valid) alphabet += text;
  std::mt19937_64 random(20'000);
  for (int i = 0; i < 20'000; ++i) {
    auto text = valid[random() % valid.size()];
    for (auto mutations = random() % 3 + 1; mutations > 0; --mutations) {
      mutate(text, alphabet, random);
    }
    CAPTURE(text);
    check(text);
  }
}

}  // namespace support
