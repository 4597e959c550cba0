// Whether there is a queue on Redis to compare with.
#pragma once

#if defined(QUEUE_BENCH_HAS_REDIS) && __has_include(<weft/net/queue/redis.hpp>)
#include <weft/net/queue/redis.hpp>
#define QUEUE_BENCH_ON_REDIS 1
#else
#define QUEUE_BENCH_ON_REDIS 0
#endif

namespace queue_bench {

inline constexpr bool is_on_redis = QUEUE_BENCH_ON_REDIS != 0;

}  // namespace queue_bench
