// Servers measured against each other under one load, in turns. A server is started afresh for
// each measurement: the luck of one process's memory layout then is noise, which the interval
// shows, and not a property of the server; and none inherits what another load made of it.
#pragma once

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "support/load.hpp"
#include "support/server_process.hpp"
#include "support/servers.hpp"

namespace bench {

struct sample {
  double per_second;
  double p50_us;
  double p99_us;
  double processor_us;  // of the server, per request
};

struct measured_server {
  std::string key;
  std::string name;
  std::vector<sample> rounds;
};

// Connects a load to the server that listens on this port.
using connect = std::function<load(std::uint16_t port)>;

// Where server and load run: on a processor of their own if there are two.
struct placement {
  bool pinned;
  static placement choose();  // and binds this thread, which runs the load
  [[nodiscard]] std::optional<int> server() const {
    return pinned ? std::optional(0) : std::nullopt;
  }
  [[nodiscard]] std::string describe() const;
};

// Each round measures each server once, in an order of its own; so what else the machine does
// meets all of them alike.
std::vector<measured_server> compare(std::vector<server> const& servers, connect const& to,
                                     unsigned rounds, std::chrono::nanoseconds duration,
                                     placement const& where);

}  // namespace bench
