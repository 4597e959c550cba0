// An example that serves, on a free port and a given backend.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "examples/plain_socket.hpp"
#include "support/program.hpp"

// Both backends, as the option names them.
inline std::vector<std::string> const real_backends{"uring", "epoll"};

class served {
 public:
  served(std::string const& name, std::string const& backend, std::vector<std::string> further = {})
      : program_(support::example(name), with_port_and(backend, std::move(further))),
        first_line_(program_.first_line()) {
    std::string const begin = "listening on 127.0.0.1:";
    REQUIRE(first_line_.starts_with(begin));
    port_ = static_cast<std::uint16_t>(std::stoi(first_line_.substr(begin.size())));
  }

  [[nodiscard]] std::uint16_t port() const { return port_; }
  [[nodiscard]] std::string const& first_line() const { return first_line_; }
  [[nodiscard]] plain_socket connect() const { return plain_socket::connect(port_); }

  void signal(int number) const { program_.signal(number); }
  support::program::ended wait() { return program_.wait(); }

 private:
  static std::vector<std::string> with_port_and(std::string const& backend,
                                                std::vector<std::string> further) {
    further.insert(further.end(), {"--port", "0", "--backend", backend});
    return further;
  }

  support::program program_;
  std::string first_line_;
  std::uint16_t port_ = 0;
};
