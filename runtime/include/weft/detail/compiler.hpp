// What every public header includes first: it refuses compilers that miscompile coroutines, and
// names the few things that differ between those that do not.
#pragma once

#if defined(__clang__)
#if __clang_major__ < 16
#error \
    "weft: Clang before 16 is not supported; on Debian 12 install clang-19 and set CXX=clang++-19"
#endif
#elif defined(__GNUC__)
#if __GNUC__ < 13
#error \
    "weft: GCC before 13 destroys temporaries of a co_await expression twice (GCC PR 99576). \
Build with GCC 13 or newer, or with Clang 16 or newer; on Debian 12 install clang-19 \
and set CXX=clang++-19"
#endif
#endif

#if __cplusplus < 202002L
#error "weft: C++20 is needed; add -std=c++20"
#endif

#define WEFT_API __attribute__((visibility("default")))

// Lets an owning pointer travel in a register; its destructor then runs in the function it is
// passed to. GCC has no such attribute.
#if defined(__clang__)
#define WEFT_TRIVIAL_ABI [[clang::trivial_abi]]
#else
#define WEFT_TRIVIAL_ABI
#endif

// GCC makes no tail call at -O0, at -O1 or under a sanitizer, so a symmetric transfer would grow
// the stack there. With GCC every transfer therefore goes through the loop's pump
// (detail/chain.hpp).
#if defined(__clang__)
#define WEFT_TRANSFER_BY_PUMP 0
#else
#define WEFT_TRANSFER_BY_PUMP 1
#endif

namespace weft::inline v0::detail {

// Part of the signature of what runs a task, so that a program whose compiler transfers in one way
// does not link with a library whose compiler does it in the other.
template <bool ByPump>
struct transfer_by_pump {};
using transfer_mode = transfer_by_pump<WEFT_TRANSFER_BY_PUMP>;

}  // namespace weft::inline v0::detail

// AddressSanitizer must see every frame as an allocation of its own.
#if defined(__SANITIZE_ADDRESS__)
#define WEFT_PLAIN_FRAMES 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define WEFT_PLAIN_FRAMES 1
#endif
#endif
#ifndef WEFT_PLAIN_FRAMES
#define WEFT_PLAIN_FRAMES 0
#endif
