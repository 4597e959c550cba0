// map and map_unordered, for every executor: many items in few jobs.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <iterator>
#include <memory>
#include <ranges>
#include <span>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "weft/channel.hpp"
#include "weft/detail/stored.hpp"
#include "weft/generator.hpp"
#include "weft/outcome.hpp"
#include "weft/scope.hpp"

namespace weft::inline v0::detail {

// The items as a vector, which the mapping owns while its jobs use it.
template <std::ranges::input_range Items>
auto items_of(Items&& items) {
  using item = std::ranges::range_value_t<Items>;
  if constexpr (std::is_same_v<std::remove_cvref_t<Items>, std::vector<item>>) {
    return std::vector<item>(std::forward<Items>(items));
  } else {
    std::vector<item> owned;
    if constexpr (std::ranges::sized_range<Items>) owned.reserve(std::ranges::size(items));
    for (auto&& one : items) owned.push_back(std::forward<decltype(one)>(one));
    return owned;
  }
}

// As Python's multiprocessing.Pool cuts its work: four jobs for each worker.
inline std::size_t chunk_size(std::size_t items, std::size_t workers) noexcept {
  std::size_t const jobs = 4 * std::max<std::size_t>(workers, 1);
  return std::max<std::size_t>((items + jobs - 1) / jobs, 1);
}

template <class Fn, class Item>
using mapped = std::invoke_result_t<Fn const&, Item&>;

// What a whole mapping yields: nothing, if the function does not.
template <class Fn, class Item>
using map_value = std::conditional_t<std::is_void_v<mapped<Fn, Item>>, void,
                                     std::vector<stored<mapped<Fn, Item>>>>;

// What one job has to do. Only what it yields travels; the items stay where they are.
template <class Fn, class Item>
std::vector<stored<mapped<Fn, Item>>> map_chunk(Fn const& fn, std::span<Item> items) {
  std::vector<stored<mapped<Fn, Item>>> results;
  results.reserve(items.size());
  for (Item& item : items) {
    if constexpr (std::is_void_v<mapped<Fn, Item>>) {
      std::invoke(fn, item);
      results.emplace_back();
    } else {
      results.emplace_back(std::invoke(fn, item));
    }
  }
  return results;
}

// One job, on whatever executor. One that shares no memory with this process has a way of its own.
template <class Executor, class Fn, class Item>
auto run_chunk(Executor& on, Fn const& fn, std::span<Item> chunk)
    -> task<std::vector<stored<mapped<Fn, Item>>>> {
  if constexpr (!requires { on.run_chunk(fn, chunk); }) {
    co_return co_await on.run(&map_chunk<Fn, Item>, std::cref(fn), chunk);
  } else if constexpr (std::is_void_v<mapped<Fn, Item>>) {
    co_await on.run_chunk(fn, chunk);
    co_return std::vector<std::monostate>(chunk.size());
  } else {
    co_return co_await on.run_chunk(fn, chunk);
  }
}

// Calls `visit(index, chunk)` for each chunk of the items.
template <class Item, class Visit>
void for_each_chunk(std::vector<Item>& items, std::size_t size, Visit visit) {
  std::span<Item> const all(items);
  for (std::size_t from = 0, index = 0; from < all.size(); from += size, ++index)
    visit(index, all.subspan(from, std::min(size, all.size() - from)));
}

template <class Executor, class Item, class Fn>
auto map(Executor& on, std::vector<Item> items, Fn fn) -> task<map_value<Fn, Item>> {
  using results = std::vector<stored<mapped<Fn, Item>>>;
  std::size_t const size = chunk_size(items.size(), on.size());
  std::vector<results> chunks((items.size() + size - 1) / size);
  co_await scope([&](task_scope& tasks) -> task<> {
    for_each_chunk(items, size, [&](std::size_t index, std::span<Item> chunk) {
      tasks.spawn([&on, &fn, &into = chunks[index], chunk]() -> task<> {
        into = co_await run_chunk(on, fn, chunk);
      });
    });
    co_return;
  });
  if constexpr (!std::is_void_v<mapped<Fn, Item>>) {
    results all;
    all.reserve(items.size());
    for (results& chunk : chunks) std::ranges::move(chunk, std::back_inserter(all));
    co_return all;
  }
}

// What the children of map_unordered and its generator share; whoever is last frees it.
template <class Item, class Fn>
struct unordered_mapping {
  using result = stored<mapped<Fn, Item>>;

  unordered_mapping(std::vector<Item> of, Fn mapping, std::size_t chunks)
      : items(std::move(of)), fn(std::move(mapping)), done(chunks) {}

  std::vector<Item> items;
  Fn fn;
  channel<outcome<std::vector<result>>> done;
  std::vector<join_handle<void>> children;
};

template <class Executor, class Item, class Fn>
task<> map_one_chunk(Executor& on, std::shared_ptr<unordered_mapping<Item, Fn>> of,
                     std::span<Item> chunk) {
  outcome<std::vector<stored<mapped<Fn, Item>>>> ended;
  co_await run_to_its_end(run_chunk(on, of->fn, chunk), ended);
  of->done.try_send(std::move(ended));  // it has room for all
}

template <class Executor, class Item, class Fn>
auto map_unordered(Executor& on, task_scope& tasks, std::vector<Item> items, Fn fn)
    -> generator<mapped<Fn, Item>> {
  using mapping = unordered_mapping<Item, Fn>;
  std::size_t const size = chunk_size(items.size(), on.size());
  std::size_t const chunks = (items.size() + size - 1) / size;
  auto const shared = std::make_shared<mapping>(std::move(items), std::move(fn), chunks);
  // The children are told when nobody waits any more, whatever the reason.
  struct cancel_at_end {
    mapping& of;
    ~cancel_at_end() {
      for (auto const& child : of.children)
        if (!child.ended()) child.cancel();
      of.children.clear();  // which keep what keeps them
    }
  } const guard{*shared};
  for_each_chunk(shared->items, size, [&](std::size_t, std::span<Item> chunk) {
    shared->children.push_back(tasks.spawn(map_one_chunk(on, shared, chunk)));
  });
  for (std::size_t left = chunks; left != 0; --left) {
    auto arrived = co_await shared->done.receive();
    for (auto&& result : arrived->value()) co_yield std::move(result);
  }
}

}  // namespace weft::inline v0::detail
