// See shared_connection.hpp.
#include "shared_connection.hpp"

#include <cerrno>

#include <fmt/format.h>

#include "weft/error.hpp"

namespace weft::inline v0::detail {

void shared_connection::start(std::shared_ptr<shared_connection> const& link, task_scope& tasks) {
  try {
    link->children_.reserve(3);
    link->children_.push_back(tasks.spawn(run(link, link->read_to_end())));
    link->children_.push_back(tasks.spawn(run(link, link->writer_.run(link->socket_))));
    link->children_.push_back(tasks.spawn(run(link, link->look_after())));
  } catch (...) {
    link->close();
    throw;
  }
}

void shared_connection::throw_ended() const {
  if (ended_by_exception_) std::rethrow_exception(ended_by_exception_);
  auto const lost = fmt::format("{}: the connection was lost before the reply", name_);
  if (ended_by_ == std::errc::operation_canceled || ended_by_ == std::errc::timed_out)
    throw_system_error(ended_by_.value(), lost);
  // Other codes, of a network that cannot be reached for instance, would say that nothing was
  // asked.
  if (ended_by_ == std::errc::connection_reset) throw_system_error(ECONNRESET, lost);
  throw_system_error(ECONNRESET, fmt::format("{} ({})", lost, ended_by_.message()));
}

// The children that are cancelled here hold the connection until they have ended.
void shared_connection::end(std::error_code why) noexcept {
  if (std::exchange(has_ended_, true)) return;
  ended_by_ = why;
  wake_all();
  for (auto const& each : std::exchange(children_, {})) each.cancel();
  try {
    socket_.close();
  } catch (std::system_error const&) {}  // it is closed all the same
}

task<> shared_connection::read_to_end() {
  co_await read();
  end(std::make_error_code(std::errc::connection_reset));
}

task<> shared_connection::run(std::shared_ptr<shared_connection> link, task<> part) {
  try {
    co_await std::move(part);
  } catch (cancelled const&) {
    link->close();
    throw;
  } catch (std::system_error const& error) {
    link->end(error.code());
  } catch (std::exception const&) {  // no protocol, no memory
    if (link->is_open()) link->ended_by_exception_ = std::current_exception();
    link->end(std::make_error_code(std::errc::io_error));
  }
}

}  // namespace weft::inline v0::detail
