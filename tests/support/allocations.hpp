// Replaces operator new so that a chosen allocation of the calling thread throws std::bad_alloc,
// and counts them.
#pragma once

namespace support {

// ThreadSanitizer brings an operator new of its own, which cannot be replaced: there, none fails or
// is counted.
#if defined(__SANITIZE_THREAD__)
inline constexpr bool allocations_can_fail = false;
#elif defined(__has_feature)
inline constexpr bool allocations_can_fail = !__has_feature(thread_sanitizer);
#else
inline constexpr bool allocations_can_fail = true;
#endif

// Lets the nth allocation from now on fail, once; 1 is the next.
void fail_allocation(int nth) noexcept;

// Whether it has come to that.
bool allocation_has_failed() noexcept;

void stop_failing_allocations() noexcept;

// How many allocations of this thread it has not freed.
long live_allocations() noexcept;

}  // namespace support
