// Replaces operator new so that a chosen allocation of the calling thread throws std::bad_alloc.
#pragma once

namespace support {

// Lets the nth allocation from now on fail, once; 1 is the next.
void fail_allocation(int nth) noexcept;

// Whether it has come to that.
bool allocation_has_failed() noexcept;

void stop_failing_allocations() noexcept;

}  // namespace support
