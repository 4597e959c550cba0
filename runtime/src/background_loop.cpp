// The thread of a background loop runs one root task, which takes jobs from a channel and spawns
// them into its scope.
#include "weft/background_loop.hpp"

#include <pthread.h>

#include <new>

#include "fork_server.hpp"
#include "weft/cancel.hpp"
#include "weft/scope.hpp"

namespace weft::inline v0 {

namespace {

// Keeps the job until its task has ended. Throws nothing, so that no job harms another.
task<> perform(std::unique_ptr<detail::background_job> job) {
  try {
    co_await job->run();
  } catch (...) {
    job->fail(std::current_exception());
  }
}

}  // namespace

task<> background_loop::serve(std::promise<doors>& ready) {
  channel<job> jobs(64);
  channel<bool> end(1);
  ready.set_value(doors{jobs.remote(), end.remote()});
  co_await scope([&](task_scope& tasks) -> task<> {
    tasks.spawn([&]() -> task<> {
      if (co_await end.receive()) tasks.cancel();
    });
    while (auto next = co_await jobs.receive()) {
      if (*next == nullptr) break;  // the last; it came after all that was submitted
      try {
        tasks.spawn(perform(std::move(*next)));
      } catch (std::bad_alloc const&) {
        // There is no memory to begin this job, which counts as cancelled; the others go on.
      }
    }
    end.close();
  });
}

background_loop::background_loop(run_options const& options) {
  std::promise<doors> ready;
  auto opened = ready.get_future();
  detail::fork_server::start_if_wanted();
  thread_ = std::thread([ready = std::move(ready), options]() mutable {
    try {
      weft::run(serve(ready), options);
    } catch (...) {
      // Before `ready` is set this is why the loop could not start. Afterwards the futures of the
      // jobs have the errors; the loop itself throws nothing but deadlock, which it has printed.
      try {
        ready.set_exception(std::current_exception());
      } catch (std::future_error const&) {}
    }
  });
  ::pthread_setname_np(thread_.native_handle(), "weft-loop");
  try {
    doors_.emplace(opened.get());
  } catch (...) {
    thread_.join();
    throw;
  }
}

background_loop::~background_loop() { finish(true); }

void background_loop::join() { finish(false); }

void background_loop::finish(bool cancelling) {
  std::call_once(finished_, [&] {
    {
      std::lock_guard const lock(mutex_);
      if (cancelling)
        doors_->end.send(true);
      else
        doors_->jobs.send(nullptr);
      doors_.reset();
    }
    thread_.join();
  });
}

void background_loop::enqueue(job submitted) {
  // Held while the job goes in, so that the last job comes after all others.
  std::lock_guard const lock(mutex_);
  if (!doors_ || !doors_->jobs.send(std::move(submitted)))
    throw std::logic_error("weft: a job was submitted to a background loop that was joined");
}

}  // namespace weft::inline v0
