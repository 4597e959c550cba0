// See stall_signal.hpp.
#include "stall_signal.hpp"

#include <sys/syscall.h>
#include <unistd.h>
#include <unwind.h>

#include <cerrno>
#include <csignal>
#include <mutex>

#include "loop.hpp"

namespace weft::inline v0::detail {

namespace {

constexpr int signal_number = SIGURG;

struct handling {
  std::mutex mutex;
  int wanted = 0;             // under the mutex, as the next
  bool is_chained = false;    // a handler that came after ours may call it at any time
  struct sigaction before{};  // written before the handler is there that reads it
};
constinit handling shared;

void pass_on(int number, siginfo_t* info, void* context) noexcept {
  auto const& before = shared.before;
  if ((before.sa_flags & SA_SIGINFO) != 0)
    before.sa_sigaction(number, info, context);
  else if (before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN)
    before.sa_handler(number);
}

extern "C" void on_stall_signal(int number, siginfo_t* info, void* context) {
  int const error = errno;
  stall_advisor* const asking =
      current_loop != nullptr ? loop::of(*current_loop).advisor() : nullptr;
  if (info->si_code != SI_QUEUE || info->si_value.sival_ptr != &shared)
    pass_on(number, info, context);
  else if (asking != nullptr)
    asking->take_sample();
  errno = error;
}

_Unwind_Reason_Code add_frame(_Unwind_Context* context, void* into) {
  auto& sample = *static_cast<stack_sample*>(into);
  int interrupted = 0;
  auto address = static_cast<std::uintptr_t>(_Unwind_GetIPInfo(context, &interrupted));
  if (address == 0) return _URC_END_OF_STACK;
  // What came before the function that was interrupted is the handler and the way to it. In all
  // others the address is that of a return, perhaps to behind the function's end.
  if (interrupted != 0)
    sample.depth = 0;
  else
    --address;
  if (sample.depth == sample.addresses.size()) return _URC_END_OF_STACK;
  sample.addresses[sample.depth++] = address;
  return _URC_NO_REASON;
}

}  // namespace

stall_signal::stall_signal() {
  // Lets the loader find the unwinder now, and not in the handler.
  stack_sample().take_stack();

  std::lock_guard const lock(shared.mutex);
  if (shared.wanted++ != 0 || shared.is_chained) return;
  ::sigaction(signal_number, nullptr, &shared.before);
  struct sigaction action{};
  action.sa_sigaction = on_stall_signal;
  action.sa_flags = SA_RESTART | SA_ONSTACK | SA_SIGINFO;
  ::sigfillset(&action.sa_mask);
  ::sigaction(signal_number, &action, nullptr);
}

stall_signal::~stall_signal() {
  std::lock_guard const lock(shared.mutex);
  if (--shared.wanted != 0) return;
  struct sigaction now{};
  ::sigaction(signal_number, nullptr, &now);
  bool const is_ours = (now.sa_flags & SA_SIGINFO) != 0 && now.sa_sigaction == on_stall_signal;
  bool const is_anybodys =
      (now.sa_flags & SA_SIGINFO) != 0 || (now.sa_handler != SIG_DFL && now.sa_handler != SIG_IGN);
  // Somebody else's that came after ours stays, and is left to call ours: were that put on top, the
  // two might call each other for ever.
  if (is_ours) ::sigaction(signal_number, &shared.before, nullptr);
  shared.is_chained = is_anybodys && !is_ours;
}

void stall_signal::send(pid_t thread) noexcept {
  siginfo_t ours{};
  ours.si_signo = signal_number;
  ours.si_code = SI_QUEUE;
  ours.si_pid = ::getpid();
  ours.si_uid = ::getuid();
  ours.si_value.sival_ptr = &shared;
  ::syscall(SYS_rt_tgsigqueueinfo, ::getpid(), thread, signal_number, &ours);
}

void stack_sample::take_stack() noexcept {
  depth = 0;
  _Unwind_Backtrace(add_frame, this);
}

}  // namespace weft::inline v0::detail
