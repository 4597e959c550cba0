// See stall_report.hpp.
#include "stall_report.hpp"

#include <algorithm>
#include <iterator>
#include <string_view>

#include <fmt/format.h>

#include "await_chain.hpp"
#include "symbols.hpp"

namespace weft::inline v0::detail {

namespace {

// Not running and not kept from it either, a thread waits for something.
bool waits(stall const& of) { return of.computed + of.queued < 0.5; }

std::string duration_text(std::chrono::nanoseconds duration) {
  auto const seconds = std::chrono::duration<double>(duration).count();
  if (seconds < 1e-3) return fmt::format("{:.0f} us", seconds * 1e6);
  if (seconds < 1e-2) return fmt::format("{:.1f} ms", seconds * 1e3);
  return seconds < 1 ? fmt::format("{:.0f} ms", seconds * 1e3) : fmt::format("{:.1f} s", seconds);
}

std::string who(stall const& of) {
  if (!of.chain)
    return of.while_ending ? "the end of a task" : "work of the loop that belongs to no task";
  std::string text = of.while_ending          ? "the end of a task"
                     : of.chain->name.empty() ? "a task"
                                              : fmt::format("task '{}'", of.chain->name);
  if (of.chain->spawned_at.line() != 0)
    text += fmt::format(", spawned at {},", place_of(of.chain->spawned_at));
  return text;
}

std::string_view advice(stall const& of) {
  if (of.while_ending)
    return "destroying what the task held took so long; let it go earlier, or in a job of a "
           "weft::thread_pool";
  if (waits(of))
    return "it waits in a blocking call; use the asynchronous form, or `co_await "
           "weft::blocking(fn)`";
  return "it computes; move that to a weft::thread_pool or a weft::process_pool: `co_await "
         "pool.run(fn, args...)`";
}

// What is below all that a chain does.
bool is_of_loop(symbol const& frame) {
  return frame.function.starts_with("weft::v0::detail::loop_core::resume_one(") ||
         frame.function.starts_with("weft::v0::detail::stall_advisor::run_ready(") ||
         frame.function.starts_with("weft::v0::detail::stall_advisor::end_one(");
}
// ThreadSanitizer calls handlers itself, later, so that theirs are not the frames of a signal.
bool is_handler(symbol const& frame) { return frame.function == "on_stall_signal"; }
bool is_resume(symbol const& frame) {
  return frame.function.find("coroutine_handle<") != std::string::npos &&
         frame.function.find(">::resume()") != std::string::npos;
}

void add_stack(std::string& text, stall const& of) {
  if (of.stack.empty()) {
    text += "\n  no stack: SIGURG did not get through to the thread";
    return;
  }
  auto names = symbolise(of.stack);
  auto bottom = std::ranges::find_if(names, is_of_loop);
  while (bottom != names.begin() && is_resume(*std::prev(bottom))) --bottom;
  names.erase(bottom, names.end());
  if (auto const handler = std::ranges::find_if(names, is_handler); handler != names.end())
    names.erase(names.begin(), std::next(handler));
  fmt::format_to(std::back_inserter(text), "\n  while it did, the stack was, by {}:", symboliser);
  for (auto const& [function, place] : names) {
    fmt::format_to(std::back_inserter(text), "\n    {}", function);
    if (!place.empty()) fmt::format_to(std::back_inserter(text), " at {}", place);
  }
}

}  // namespace

std::string to_text(stall const& of, left_out_stalls const& before) {
  auto text = fmt::format(
      "weft: {} {} the loop for {}{} (threshold {}; on a processor {:.0f} % of it, in line for one "
      "{:.0f} %)\n  {}",
      who(of), of.goes_on ? "has held" : "held", duration_text(of.held),
      of.goes_on ? " and still does" : "", duration_text(of.threshold), of.computed * 100,
      of.queued * 100, advice(of));
  add_stack(text, of);
  if (of.chain && !of.chain->awaits.empty()) {
    text += "\n  then it awaited:";
    for (auto const& where : of.chain->awaits)
      fmt::format_to(std::back_inserter(text), "\n    {} in {}", place_of(where),
                     where.function_name());
  }
  if (before.count != 0)
    fmt::format_to(std::back_inserter(text), "\n  before it, {}", to_text(before));
  return text;
}

std::string end_to_text(stall const& of) {
  return fmt::format("weft: {} let go of the loop after {}", who(of), duration_text(of.held));
}

std::string to_text(left_out_stalls const& of) {
  return fmt::format("{} more stall{} not reported, the longest of {}", of.count,
                     of.count == 1 ? " was" : "s were", duration_text(of.longest));
}

}  // namespace weft::inline v0::detail
