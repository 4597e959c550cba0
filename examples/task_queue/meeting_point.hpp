// Where task_master and task_worker meet: an address and a key, or a broker, as their command lines
// say.
#pragma once

#include <memory>
#include <string>

#include <weft/net/queue/work_queue.hpp>
#include <weft/scope.hpp>

#include "../command_line.hpp"

class meeting_point {
 public:
  void add_options(command_line& line);

  [[nodiscard]] bool has_broker() const { return !broker_.empty(); }
  [[nodiscard]] std::string const& address() const { return address_; }

  // --authkey, the first line of --authkey-file, or WEFT_AUTHKEY. Throws std::runtime_error when
  // there is none.
  [[nodiscard]] std::string key() const;

  // The queue of tasks, on the broker or on the server at the address.
  [[nodiscard]] std::unique_ptr<weft::net::work_queue> open(weft::task_scope& tasks) const;

  // As a user would say it.
  [[nodiscard]] std::string name() const { return has_broker() ? broker_ : address_; }

 private:
  std::string address_ = "127.0.0.1:5000";
  std::string authkey_;
  std::string authkey_file_;
  std::string broker_;
};
