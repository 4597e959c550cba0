// process, on top of the fork server.
#include "weft/process.hpp"

#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <stdexcept>

#include <fmt/format.h>

#include "fork_server.hpp"
#include "thrown.hpp"
#include "weft/error.hpp"

namespace weft::inline v0 {

int detail::run_process_body(int (*body)(void (*)(), std::span<std::byte const>),
                             void (*function)(), std::span<std::byte const> arguments,
                             std::vector<int>& descriptors) {
  try {
    traveling_descriptors const travel(descriptors);
    return body(function, arguments);
  } catch (...) {
    auto const thrown = thrown_now();
    fmt::print(stderr, "weft: process {} ended by {}: {}\n", ::getpid(), thrown.type,
               thrown.message);
    return 1;
  }
}

process& process::operator=(process&& other) noexcept {
  if (this != &other) {
    process const dropped(std::move(*this));
    child_ = std::move(other.child_);
  }
  return *this;
}

process::~process() {
  if (child_) child_->signal(SIGKILL);
}

task<process> process::start_child(detail::child_start wanted) {
  process made;  // which is killed if the task is cancelled here
  made.child_ = detail::fork_server::get("weft::process")->start(wanted);
  co_await detail::milestone_wait("start of a process", {made.child_, &made.child_->has_started});
  if (int const error = made.child_->error(); error != 0)
    detail::throw_system_error(error, "fork of a process");
  co_return made;
}

task<int> process::join() const {
  auto const child = child_;
  pid_t const number = there().pid();
  co_await detail::milestone_wait("end of a process", {child, &child->has_ended});
  auto const how = child->status();
  if (!how)
    throw std::runtime_error(fmt::format(
        "weft: nobody knows how process {} ended, because the fork server has died", number));
  co_return how->exit_code();
}

std::optional<int> process::exit_code() const {
  auto const how = there().status();
  if (!how) return std::nullopt;
  return how->exit_code();
}

pid_t process::pid() const { return there().pid(); }

void process::signal(int number) {
  int const error = there().signal(number);
  if (error != 0 && error != ESRCH)
    detail::throw_system_error(error, fmt::format("send signal {} to process {}", number, pid()));
}

void process::terminate() { signal(SIGTERM); }
void process::kill() { signal(SIGKILL); }

detail::remote_child& process::there() const {
  if (!child_) throw std::logic_error("weft::process: it was not started, or has been moved from");
  return *child_;
}

}  // namespace weft::inline v0
