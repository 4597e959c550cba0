// The sets of micro benchmarks. Each set has a file in bench/micro and one of the same name in
// bench/peers/asio, with the same operations in the same order; a benchmark is called
// OPERATION/weft or OPERATION/asio. An iteration is one operation, whatever the set-up around it.
#pragma once

namespace weft_sets {
void add_tasks();
void add_channels();
void add_locks();
void add_timers();
void add_threads();
}  // namespace weft_sets

namespace asio_sets {
void add_tasks();
void add_channels();
void add_locks();
void add_timers();
void add_threads();
}  // namespace asio_sets
