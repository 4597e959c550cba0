// What every task is doing, at any moment, without a debugger and without resuming anything.
#pragma once

#include <string>

#include "weft/detail/compiler.hpp"

namespace weft::inline v0 {

enum class dump_format : unsigned char { text, json };

// Describes every live chain of the loop on this thread, parents before children: name, where it
// was spawned, what it waits for and for how long, and the line of each co_await from the spawned
// task down to the operation. Only on a thread whose loop runs; elsewhere it yields "no loop runs
// on this thread". Borrows nothing; throws only std::bad_alloc.
WEFT_API std::string dump(dump_format format = dump_format::text);

}  // namespace weft::inline v0
