// What output() and communicate() do with a started command: write and read at the same time, wait
// for its end, and wait a little longer for what others hold open.
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <memory>
#include <span>

#include <fmt/format.h>

#include "child_access.hpp"
#include "weft/command.hpp"
#include "weft/error.hpp"
#include "weft/finally.hpp"
#include "weft/scope.hpp"
#include "weft/stream.hpp"
#include "weft/timeout.hpp"

namespace weft::inline v0 {

output_too_large::output_too_large(std::string const& program, std::size_t limit_bytes)
    : std::runtime_error(fmt::format("{} writes more than {} bytes", program, limit_bytes)),
      limit_bytes_(limit_bytes) {}

namespace {

constexpr std::size_t piece_bytes = 65'536;  // what a pipe holds, unless told otherwise

// How much more the command may write.
class allowance {
 public:
  allowance(std::string const& program, std::size_t limit_bytes) noexcept
      : program_(program), limit_(limit_bytes) {}

  void take(std::size_t count) {
    if (count > limit_ - taken_) throw output_too_large(program_, limit_);
    taken_ += count;
  }

 private:
  std::string const& program_;
  std::size_t limit_;
  std::size_t taken_ = 0;
};

// One of the command's outputs on its way into a string.
class collector {
 public:
  collector(descriptor& from, std::string& into, allowance& left) noexcept
      : from_(from), into_(into), left_(left), ended_(!from) {}

  [[nodiscard]] bool ended() const noexcept { return ended_; }

  task<> collect() {
    auto const memory = std::make_unique_for_overwrite<std::byte[]>(piece_bytes);
    std::span const piece(memory.get(), piece_bytes);
    while (std::size_t const count = co_await from_.read_some(piece)) keep(piece.first(count));
    ended_ = true;
  }

  // Takes what is in the pipe at this moment and asks for no more, as one who writes on might give
  // it for ever.
  void collect_what_is_there() {
    if (ended_) return;
    auto const memory = std::make_unique_for_overwrite<std::byte[]>(piece_bytes);
    int const capacity = ::fcntl(from_.get(), F_GETPIPE_SZ);
    for (std::ptrdiff_t left = capacity; left > 0 && !ended_ && has_bytes();) {
      ssize_t const count = ::read(from_.get(), memory.get(), piece_bytes);
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return;
      ended_ = count == 0;
      keep({memory.get(), static_cast<std::size_t>(count)});
      left -= count;
    }
  }

 private:
  void keep(std::span<std::byte const> bytes) {
    left_.take(bytes.size());
    into_.append(reinterpret_cast<char const*>(bytes.data()), bytes.size());
  }

  // Or has come to its end.
  [[nodiscard]] bool has_bytes() const noexcept {
    pollfd asked{.fd = from_.get(), .events = POLLIN, .revents = 0};
    return ::poll(&asked, 1, 0) == 1;
  }

  descriptor& from_;
  std::string& into_;
  allowance& left_;
  bool ended_;
};

// Writes the input and ends it. A command that does not read it all is its own affair.
task<> feed(descriptor& to, std::string const& input) {
  try {
    co_await write_all(to, std::as_bytes(std::span(input)));
  } catch (transfer_error const& failed) {
    if (failed.code() != std::errc::broken_pipe) throw;
  }
  to.close();
}

// The child is left unreaped until its outputs have ended: as long as it is, its number is its
// own, and a cancellation can still kill its group.
task<command_output> hear_out(child_process& child, std::string const& input, allowance left,
                              std::chrono::nanoseconds grace) {
  command_output result;
  std::array<collector, 2> outputs = {collector(child.output, result.out, left),
                                      collector(child.error_output, result.err, left)};
  co_await scope([&](task_scope& tasks) -> task<> {
    if (child.input) tasks.spawn(feed(child.input, input));
    std::array<join_handle<void>, 2> reading;
    for (std::size_t i = 0; i < outputs.size(); ++i)
      if (!outputs[i].ended()) reading[i] = tasks.spawn(outputs[i].collect());
    co_await readable(child.pidfd());
    try {
      co_await with_timeout(grace, [&]() -> task<> {
        for (auto const& reader : reading)
          if (reader) co_await reader;
      });
    } catch (timed_out const&) {  // somebody else holds a pipe open
    }
    tasks.cancel();
  });
  for (auto& output : outputs) output.collect_what_is_there();
  result.cut = !outputs[0].ended() || !outputs[1].ended();
  result.status = co_await child.wait();
  co_return result;
}

}  // namespace

task<command_output> command::converse(command started, streams otherwise, std::string input) {
  auto child = started.start(otherwise);
  allowance const left(started.arguments_.front(), started.output_limit_);
  co_return co_await finally([&] { return hear_out(child, input, left, started.grace_); },
                             [&] { return detail::child_access::kill_and_reap(child); });
}

}  // namespace weft::inline v0
