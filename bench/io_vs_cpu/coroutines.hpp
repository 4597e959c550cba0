// The executors with a loop: every client is a task, which waits on the loop and has what computes
// or blocks done by `pool`. With inline_executor that is the loop itself.
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include <weft/inline_executor.hpp>
#include <weft/net.hpp>
#include <weft/weft.hpp>

#include "gaps.hpp"
#include "work.hpp"

#ifdef IO_VS_CPU_HAS_DNS
#include <weft/net/dns/resolver.hpp>
#endif

namespace io_vs_cpu {

#ifdef IO_VS_CPU_HAS_DNS
using name_resolver = weft::net::dns::resolver;

inline name_resolver make_resolver(weft::task_scope& tasks, cell const& of) {
  weft::net::dns::resolver_options options;
  options.servers = {{weft::net::address::loopback_v4(), of.dns_port}};
  options.cache_size = 0;  // the names are all different
  return name_resolver(tasks, options);
}

inline weft::task<> ask_name(name_resolver& by, std::string const& name) {
  auto const found = co_await by.query(name, weft::net::dns::type::a);
  if (found.records.size() != 1) throw std::runtime_error("a name has not one address");
}
#else
struct name_resolver {};

inline name_resolver make_resolver(weft::task_scope&, cell const&) { return {}; }

inline weft::task<> ask_name(name_resolver&, std::string const&) {
  throw std::runtime_error("built without the resolver");
  co_return;
}
#endif

// What the tasks of one cell share.
struct shared_state {
  cell of;
  std::vector<std::string> files;
  name_resolver* resolver = nullptr;
  std::size_t ready = 0;
  weft::event all_are_ready = {};
  weft::event start = {};
  weft::clock::time_point deadline = {};
  std::size_t done = 0;
};

// On the loop, without a pool.
inline weft::task<> read_on_loop(std::string const& path, bool is_direct) {
  using weft::open_mode;
  auto file = co_await weft::file::open(
      path, is_direct ? open_mode::read_only | open_mode::direct : open_mode::read_only);
  auto const buffer = aligned_buffer(file_bytes);
  std::span const bytes(buffer.get(), file_bytes);
  for (std::size_t done = 0; done < file_bytes;) {
    std::size_t const count = co_await file.read_at(bytes.subspan(done), done);
    if (count == 0) throw std::runtime_error("a file is not as long as it was");
    done += count;
  }
  co_await file.close();
}

template <class Pool>
class task_client {
 public:
  task_client(shared_state& all, Pool& pool, std::size_t number)
      : all_(&all), pool_(&pool), files_(all.files, number), number_(number), operations_(number) {}

  weft::task<> run() {
    workload const does = all_->of.does;
    if (does == workload::tcp || does == workload::mix) {
      connection_ =
          co_await weft::net::connect({weft::net::address::loopback_v4(), all_->of.tcp_port});
      connection_.set_no_delay(true);
    }
    if (++all_->ready == all_->of.clients) all_->all_are_ready.set();
    co_await all_->start.wait();
    do {
      ++operations_;
      co_await operate();
      ++all_->done;
    } while (weft::now() < all_->deadline);
  }

 private:
  static constexpr bool is_inline = std::same_as<Pool, weft::inline_executor>;

  weft::task<> operate() {
    switch (all_->of.does) {
      case workload::sleep: co_return co_await weft::sleep_for(latency);
      case workload::dns: co_return co_await ask_name(*all_->resolver, name());
      case workload::tcp: co_return co_await ask_server();
      case workload::cached:
      case workload::direct: co_return co_await read();
      case workload::hashing: co_return co_await hash();
      case workload::primes: co_return co_await compute(count_primes);
      case workload::mix:
        if (operations_ % mix_period != 0) co_return co_await ask_server();
        co_return co_await compute(count_many_primes);
      case workload::spin: co_return co_await compute(spin, all_->of.spin_turns);
    }
  }

  [[nodiscard]] std::string name() const {
    return "n" + std::to_string(number_) + "-" + std::to_string(operations_) + ".bulk.example.";
  }

  // As a task that computes should, it gives way between two operations.
  template <class... Arguments>
  weft::task<> compute(auto* function, Arguments... arguments) {
    co_await pool_->run(function, arguments...);
    if constexpr (is_inline) co_await weft::yield();
  }

  weft::task<> read() {
    bool const is_direct = all_->of.does == workload::direct;
    std::string const& path = files_.next();
    if constexpr (is_inline) {
      co_await read_on_loop(path, is_direct);
      co_await weft::yield();  // what is cached may never have waited
    } else {
      co_await pool_->run(read_whole, path, is_direct);
    }
  }

  weft::task<> hash() {
    std::string const& path = files_.next();
    if constexpr (is_inline) {
      hash_text(co_await weft::fs::read_file(path));
      co_await weft::yield();
    } else {
      co_await pool_->run(hash_file, path);
    }
  }

  weft::task<> ask_server() {
    std::array<std::byte, message_bytes> message{};
    co_await connection_.write_all(message);
    co_await weft::read_exactly(connection_, message);
  }

  shared_state* all_;
  Pool* pool_;
  file_order files_;
  std::size_t number_;
  std::size_t operations_;
  weft::net::tcp_stream connection_;
};

// Ticks until it is cancelled.
inline weft::task<> tick_on_loop(gaps& of) {
  for (of.start();;) {
    co_await weft::sleep_for(tick_length);
    of.tick();
  }
}

// The work begins when all clients are there and connected, and ends with the last of them.
template <class Pool>
weft::task<outcome> work_with_ticker(shared_state& all, Pool& pool) {
  outcome result{.ticker = "loop"};
  gaps seen;
  weft::clock::time_point begun;
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    weft::join_handle<void> ticker;
    co_await weft::scope([&](weft::task_scope& clients) -> weft::task<> {
      for (std::size_t i = 0; i < all.of.clients; ++i)
        clients.spawn([&all, &pool, i]() -> weft::task<> {
          task_client<Pool> mine(all, pool, i);
          co_await mine.run();
        });
      co_await all.all_are_ready.wait();
      result.before = usage_so_far();
      ticker = tasks.spawn(tick_on_loop(seen));
      co_await weft::yield();  // the ticker has begun
      begun = weft::now();
      all.deadline = begun + std::chrono::duration_cast<weft::clock::duration>(all.of.length);
      all.start.set();
    });
    result.took = weft::now() - begun;
    seen.finish();
    ticker.cancel();
    result.after = usage_so_far();
  });
  result.done = all.done;
  result.p99_gap = seen.p99();
  result.worst_gap = seen.worst();
  co_return result;
}

// Reports while the pool is still there.
template <class Pool>
weft::task<> run_cell(cell const& of, Pool& pool) {
  for (std::size_t i = 0; i < pool.size(); ++i) co_await pool.run(spin, std::uint64_t{1});
  shared_state all{.of = of, .files = files_for(of)};
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    std::optional<name_resolver> resolver;
    if (of.does == workload::dns) all.resolver = &resolver.emplace(make_resolver(tasks, of));
    report(co_await work_with_ticker(all, pool));
  });
}

}  // namespace io_vs_cpu
