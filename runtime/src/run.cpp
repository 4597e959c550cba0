// run: a root chain on a new loop of this thread.
#include "weft/run.hpp"

#include <chrono>
#include <stdexcept>

#include "fork_server.hpp"
#include "loop.hpp"
#include "scope_tree.hpp"
#include "stall_threshold.hpp"

namespace weft::inline v0::detail {

namespace {

class root_chain final : public chain {
 public:
  root_chain(loop_core& home, promise_base& root, bool& ended) noexcept
      : chain(home, nullptr, root, std::source_location()), ended_(ended) {}
  // The caller of run keeps the frame, for its result or, when the loop could not be set up, as it
  // came.
  ~root_chain() { first.release()->within = nullptr; }

  void has_ended() noexcept override { ended_ = true; }

 private:
  bool& ended_;
};

}  // namespace

void run_root_on(frame_owner& root, loop_setup const& setup, root_companion const& started) {
  if (current_loop != nullptr)
    throw std::logic_error("weft::run: a loop runs on this thread already; co_await the task");
  if (root.get() == nullptr)
    throw std::logic_error("weft::run: the task is empty (moved from, or awaited before)");
  // Before the ring is made, which may bring threads of the kernel, and before the advisor's
  // thread.
  bool const has_advisor = setup.stall_threshold > std::chrono::nanoseconds(0);
  fork_server::start_if_wanted(has_advisor);
  loop home(setup);
  bool ended = false;
  root_chain chain(home, *root.get(), ended);
  home.root_scope = &chain.own;
  auto const companion = started ? started(home, chain) : nullptr;
  home.run(chain, ended);
}

void run_root(frame_owner& root, run_options const& options, transfer_mode) {
  auto const make = [&](int wake_fd) { return make_backend(options.backend, wake_fd); };
  run_root_on(root, {.make_backend = make,
                     .after_resume = {},
                     .stall_threshold = stall_threshold(options.stall_threshold)});
}

}  // namespace weft::inline v0::detail
