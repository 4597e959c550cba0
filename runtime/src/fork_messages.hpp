// The messages between the program and its fork server, on a SOCK_SEQPACKET socket between two
// processes of one image.
#pragma once

#include <cstddef>
#include <cstdint>

#include "weft/detail/child_entry.hpp"

namespace weft::inline v0::detail {

// A request for a child: this, then the arguments; when they are larger than argument_bytes_max
// they are the content of the first descriptor instead.
struct fork_request {
  std::uint64_t id;
  child_entry entry;
  void (*function)();
  std::uint64_t argument_bytes;
  bool arguments_in_file;
};

inline constexpr std::size_t argument_bytes_max = 32'768;

struct fork_report {
  enum class kind : std::uint8_t { started, failed, exited, killed };

  std::uint64_t id;
  kind what;
  bool dumped_core;
  std::int32_t value;  // the process number, an errno, the exit code, the signal
};

}  // namespace weft::inline v0::detail
