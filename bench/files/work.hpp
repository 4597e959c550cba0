// What the programs of this comparison do: files-NAME ROW DEPTH DIRECTORY, where the directory has
// the file `data` in it, which the comparison has made.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

namespace files {

inline constexpr std::size_t page_bytes = 4'096;
inline constexpr std::uint64_t data_bytes = 256 << 20;  // of `data`, which is read
inline constexpr std::size_t block_bytes = 256 << 10;   // of what is read and written in sequence
inline constexpr std::uint64_t large_bytes = 1 << 30;   // of what is written in sequence
inline constexpr std::size_t small_files = 1'000;       // made, read and removed at a time

struct work {
  std::string_view row;
  std::size_t depth;  // how many operations at a time
  std::string directory;

  work(int argc, char** argv) : row(argc > 1 ? argv[1] : ""), depth(0) {
    if (argc < 4) std::exit(2);
    depth = static_cast<std::size_t>(std::atoi(argv[2]));
    directory = argv[3];
  }

  [[nodiscard]] std::string data() const { return directory + "/data"; }
  [[nodiscard]] std::string large() const { return directory + "/large"; }
  [[nodiscard]] std::string small(std::size_t number) const {
    return directory + "/small-" + std::to_string(number);
  }
};

// Pages in no order; the same for all (xorshift).
class random_pages {
 public:
  std::uint64_t next() noexcept {
    state_ ^= state_ << 13;
    state_ ^= state_ >> 7;
    state_ ^= state_ << 17;
    return state_ % (data_bytes / page_bytes) * page_bytes;
  }

 private:
  std::uint64_t state_ = 0x9e3779b97f4a7c15;
};

}  // namespace files
