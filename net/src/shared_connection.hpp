// A connection over which many tasks ask at once, and how it ends: for one reason, which all who
// wait are told. Its children read and write it; they hold it, and it cancels them.
#pragma once

#include <cerrno>
#include <cstdint>
#include <exception>
#include <memory>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "gathering_writer.hpp"
#include "weft/error.hpp"
#include "weft/mutex.hpp"
#include "weft/net/stream_socket.hpp"
#include "weft/scope.hpp"
#include "weft/task.hpp"

namespace weft::inline v0::detail {

class shared_connection {
 public:
  // `name` is what errors call it.
  shared_connection(net::stream_socket connected, std::string name)
      : socket_(std::move(connected)), name_(std::move(name)) {}
  shared_connection(shared_connection const&) = delete;
  shared_connection& operator=(shared_connection const&) = delete;
  virtual ~shared_connection() = default;

  // Starts what reads and writes, as children of the scope.
  static void start(std::shared_ptr<shared_connection> const& link, task_scope& tasks);

  [[nodiscard]] bool is_open() const noexcept { return !has_ended_; }

  // Ends it: all who wait get ECANCELED. The socket is closed.
  void close() noexcept { end(std::make_error_code(std::errc::operation_canceled)); }

 protected:
  // Takes what comes, until the other end says no more; what it throws ends the connection, too.
  virtual task<> read() = 0;

  // What else is to be done all the time, if anything.
  virtual task<> look_after() { co_return; }

  // For all who wait: throw_ended() says why.
  virtual void wake_all() noexcept = 0;

  void end(std::error_code why) noexcept;
  [[noreturn]] void throw_ended() const;

  [[nodiscard]] net::stream_socket& socket() noexcept { return socket_; }
  [[nodiscard]] gathering_writer& writer() noexcept { return writer_; }
  [[nodiscard]] std::string const& name() const noexcept { return name_; }

 private:
  static task<> run(std::shared_ptr<shared_connection> link, task<> part);
  task<> read_to_end();

  net::stream_socket socket_;
  gathering_writer writer_;
  std::string name_;
  std::vector<join_handle<void>> children_;
  bool has_ended_ = false;
  std::error_code ended_by_;
  std::exception_ptr ended_by_exception_;
};

// The connection that there is, or the next one. Whoever comes while one is being made gets that,
// or its failure.
template <class Link>
class kept_connection {
 public:
  kept_connection() = default;
  kept_connection(kept_connection const&) = delete;
  kept_connection& operator=(kept_connection const&) = delete;
  ~kept_connection() { close(); }

  void close() noexcept {
    ++closings_;
    if (auto const open = std::exchange(link_, nullptr)) open->close();
  }

  // None when there is none that is open.
  [[nodiscard]] std::shared_ptr<Link> now() const noexcept {
    return link_ && link_->is_open() ? link_ : nullptr;
  }

  // `connect()` yields a new one; what is closed meanwhile ends with ECANCELED. The holder outlives
  // the task.
  template <task_function Connect>
  task<std::shared_ptr<Link>> get(Connect connect) {
    auto const attempts_before = attempts_;
    auto const closings_before = closings_;
    auto const turn = co_await connecting_.lock();
    if (auto open = now()) co_return open;
    if (attempts_ != attempts_before && failure_) std::rethrow_exception(failure_);
    try {
      failure_ = nullptr;
      auto made = co_await connect();
      if (closings_ != closings_before) {
        made->close();
        throw_system_error(ECANCELED, "closed while connecting");
      }
      link_ = std::move(made);
      ++attempts_;
    } catch (cancelled const&) {
      throw;
    } catch (...) {
      ++attempts_;
      failure_ = std::current_exception();
      throw;
    }
    co_return link_;
  }

 private:
  mutex connecting_;
  std::shared_ptr<Link> link_;
  std::uint64_t attempts_ = 0;  // to connect, that have ended
  std::exception_ptr failure_;  // of the last of them
  std::uint64_t closings_ = 0;
};

}  // namespace weft::inline v0::detail
