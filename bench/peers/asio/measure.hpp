// Standalone Asio, tuned: the executor's type is concrete instead of any_io_executor, awaitables
// use Asio's own recycling of frames, and what one thread does alone has a context without locks.
// As for Weft, the loop over `state` is inside one coroutine, so that set-up is not measured.
#pragma once

#include <exception>
#include <string>

#include <benchmark/benchmark.h>
#include <asio/awaitable.hpp>
#include <asio/co_spawn.hpp>
#include <asio/io_context.hpp>
#include <asio/this_coro.hpp>
#include <asio/use_awaitable.hpp>

namespace asio_sets {

using executor = asio::io_context::executor_type;

template <class T = void>
using awaitable = asio::awaitable<T, executor>;

inline constexpr asio::use_awaitable_t<executor> use_awaitable;

using body = awaitable<> (*)(benchmark::State&);

template <body Measured, int ConcurrencyHint>
void run(benchmark::State& state) {
  asio::io_context context(ConcurrencyHint);
  asio::co_spawn(context.get_executor(), Measured(state), [](std::exception_ptr const& error) {
    if (error) std::rethrow_exception(error);
  });
  context.run();
}

template <body Measured>
void measure(std::string const& operation) {
  benchmark::RegisterBenchmark((operation + "/asio").c_str(),
                               &run<Measured, ASIO_CONCURRENCY_HINT_UNSAFE>);
}

// For what happens on several threads. The hint says that one thread alone runs the context;
// others may post to it.
template <body Measured>
void measure_elapsed(std::string const& operation) {
  benchmark::RegisterBenchmark((operation + "/asio").c_str(), &run<Measured, 1>)->UseRealTime();
}

}  // namespace asio_sets
