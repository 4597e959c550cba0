// Commands: what is said of them, and their start. What is said to them is in conversation.cpp.
#include "weft/command.hpp"

#include <unistd.h>

#include <stdexcept>

#include <fmt/format.h>

#include "child_access.hpp"
#include "exec_image.hpp"
#include "standard_streams.hpp"
#include "start_program.hpp"
#include "weft/finally.hpp"

namespace weft::inline v0 {

namespace {

void require_name(std::string_view name) {
  detail::require_no_nul(name, "the name of a variable of a command");
  if (name.empty() || name.find('=') != std::string_view::npos)
    throw std::invalid_argument(
        fmt::format("weft: \"{}\" cannot be the name of a variable in an environment", name));
}

}  // namespace

command& command::argument(std::string_view value) {
  arguments_.emplace_back(value);
  return *this;
}

command& command::variable(std::string_view name, std::string_view value) {
  require_name(name);
  variables_.insert_or_assign(std::string(name), std::string(value));
  return *this;
}

command& command::without_variable(std::string_view name) {
  require_name(name);
  variables_.insert_or_assign(std::string(name), std::nullopt);
  return *this;
}

command& command::environment(std::map<std::string, std::string> const& variables) {
  for (auto const& [name, value] : variables) require_name(name);
  inherits_environment_ = false;
  variables_.clear();
  variables_.insert(variables.begin(), variables.end());
  return *this;
}

command& command::directory(std::string path) {
  detail::require_no_nul(path, "the directory of a command");
  directory_ = std::move(path);
  return *this;
}

command& command::input_from(stdio source) {
  if (source.what() == stdio::kind::append || source.what() == stdio::kind::output)
    throw std::invalid_argument("weft: a command cannot read its stdin from what is for writing");
  streams_[STDIN_FILENO] = std::move(source);
  return *this;
}

command& command::output_to(stdio sink) {
  if (sink.what() == stdio::kind::output)
    throw std::invalid_argument("weft: the stdout of a command cannot go where its stdout goes");
  streams_[STDOUT_FILENO] = std::move(sink);
  return *this;
}

command& command::errors_to(stdio sink) {
  streams_[STDERR_FILENO] = std::move(sink);
  return *this;
}

command& command::pass(int fd) {
  if (fd <= STDERR_FILENO)
    throw std::invalid_argument(
        fmt::format("weft: descriptor {} cannot be passed to a command: it is not above 2", fd));
  passed_.push_back(fd);
  return *this;
}

command& command::outlive_parent() {
  outlives_parent_ = true;
  return *this;
}

command& command::output_limit(std::size_t bytes) {
  output_limit_ = bytes;
  return *this;
}

command& command::grace(std::chrono::nanoseconds duration) {
  grace_ = duration;
  return *this;
}

child_process command::start(streams const& otherwise) const {
  std::array<stdio, 3> const wanted = {streams_[0].value_or(otherwise[0]),
                                       streams_[1].value_or(otherwise[1]),
                                       streams_[2].value_or(otherwise[2])};
  bool const shares_terminal =
      wanted[STDIN_FILENO].what() == stdio::kind::inherit && ::isatty(STDIN_FILENO) == 1;
  detail::exec_image const image(arguments_, variables_, inherits_environment_);
  detail::standard_streams opened(wanted, arguments_.front());
  auto const [pid, pidfd] = detail::start_program({
      .candidates = image.candidates(),
      .arguments = image.arguments(),
      .environment = image.environment(),
      .directory = directory_ ? directory_->c_str() : nullptr,
      .streams = opened.sources(),
      .passed = passed_,
      .own_group = !shares_terminal,
      .outlives_parent = outlives_parent_,
  });
  auto child = detail::child_access::adopt(pid, pidfd, !shares_terminal);
  child.input = std::move(opened.ours()[STDIN_FILENO]);
  child.output = std::move(opened.ours()[STDOUT_FILENO]);
  child.error_output = std::move(opened.ours()[STDERR_FILENO]);
  return child;
}

child_process command::spawn() const {
  return start({stdio::pipe(), stdio::pipe(), stdio::inherit()});
}

task<exit_status> command::status() const {
  for (auto const& stream : streams_)
    if (stream && stream->what() == stdio::kind::pipe)
      throw std::invalid_argument("weft: nobody is at the other end of a pipe in command::status");
  return run(*this);
}

task<exit_status> command::run(command started) {
  auto child = started.start({stdio::inherit(), stdio::inherit(), stdio::inherit()});
  co_return co_await finally([&] { return child.wait(); },
                             [&] { return detail::child_access::kill_and_reap(child); });
}

task<command_output> command::output() const {
  return converse(*this, {stdio::null(), stdio::pipe(), stdio::pipe()}, {});
}

task<command_output> command::communicate(std::string input) const {
  if (streams_[STDIN_FILENO] && streams_[STDIN_FILENO]->what() != stdio::kind::pipe)
    throw std::invalid_argument(
        "weft: command::communicate writes to stdin, which was said to be something else");
  return converse(*this, {stdio::pipe(), stdio::pipe(), stdio::pipe()}, std::move(input));
}

}  // namespace weft::inline v0
