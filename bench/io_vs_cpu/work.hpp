// The operations of the workloads as plain functions that block or compute. Every executor calls
// these where it has no form of its own, so that all of them do the same work.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "cell.hpp"
#include "support/file_descriptor.hpp"

namespace io_vs_cpu {

// How long a sleep takes, and how long the servers wait before they answer.
inline constexpr std::chrono::milliseconds latency{20};

// What a file of the workloads "cached" and "direct" has, all of which is read at once.
inline constexpr std::size_t file_bytes = 16'384;

// What travels to the TCP server and back.
inline constexpr std::size_t message_bytes = 64;

// Of the mix: one in so many requests computes, the others wait for the TCP server.
inline constexpr std::size_t mix_period = 10;

// Counts the primes of a range by trial division, about 1 ms; throws when the count is wrong.
int count_primes();

// The same five times, which is what a request of the mix computes.
int count_many_primes();

// Computes so many turns of a loop that nothing can shorten.
std::uint64_t spin(std::uint64_t turns);

// Opens the file, reads it and closes it; past the page cache with `is_direct`.
std::size_t read_whole(std::string const& path, bool is_direct);

// Reads the file and hashes it with SHA-256; yields the first byte of the hash.
int hash_file(std::string const& path);
int hash_text(std::string const& text);

// The lines of a file.
std::vector<std::string> lines_of(std::string const& path);

// Memory for O_DIRECT.
struct aligned_delete {
  void operator()(std::byte* bytes) const noexcept;
};
std::unique_ptr<std::byte[], aligned_delete> aligned_buffer(std::size_t bytes);

// The next one of the files that a client reads, in an order of its own.
class file_order {
 public:
  file_order(std::vector<std::string> const& files, std::size_t client)
      : files_(&files), random_(static_cast<unsigned>(client + 1)) {}

  std::string const& next() { return (*files_)[random_() % files_->size()]; }

 private:
  std::vector<std::string> const* files_;
  std::minstd_rand random_;
};

// What one thread or process does, blocking: one operation after the other.
class client {
 public:
  client(cell const& of, std::vector<std::string> const& files, std::size_t number);

  // Throws when an answer is not what it must be.
  void operate();

 private:
  void ask_name();
  void ask_server();

  cell const* of_;
  file_order files_;
  std::size_t number_;
  std::size_t operations_ = 0;
  bench::file_descriptor socket_;
};

// The list of files that the workload reads.
std::vector<std::string> files_for(cell const& of);

}  // namespace io_vs_cpu
