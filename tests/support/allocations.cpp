// See allocations.hpp.
#include "allocations.hpp"

#include <cstdlib>
#include <new>

namespace support {

namespace {

thread_local int countdown = 0;  // 0: off
thread_local bool failed = false;
thread_local long live = 0;

[[maybe_unused]] bool must_fail() noexcept {
  if (countdown == 0 || --countdown != 0) return false;
  failed = true;
  return true;
}

}  // namespace

void fail_allocation(int nth) noexcept {
  failed = false;
  countdown = nth;
}

bool allocation_has_failed() noexcept { return failed; }

void stop_failing_allocations() noexcept { countdown = 0; }

long live_allocations() noexcept { return live; }

}  // namespace support

#if defined(__SANITIZE_THREAD__)
#define WEFT_TEST_KEEPS_NEW
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define WEFT_TEST_KEEPS_NEW
#endif
#endif

#ifndef WEFT_TEST_KEEPS_NEW
void* operator new(std::size_t size) {
  void* const memory = support::must_fail() ? nullptr : std::malloc(size != 0 ? size : 1);
  if (memory == nullptr) throw std::bad_alloc();
  ++support::live;
  return memory;
}

void operator delete(void* memory) noexcept {
  if (memory != nullptr) --support::live;
  std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept { ::operator delete(memory); }
#endif
