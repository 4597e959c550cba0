// What the server programs share. Each is started as
//   SERVER --port N        (0: a free port)
// prints `listening on 127.0.0.1:N (NAME)`, and echoes what it receives until SIGTERM, upon which
// it exits with 0.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

namespace server {

// What every server reads at most at once: more than the largest message that is measured, so that
// a read that fills less of it says that the socket is drained.
inline constexpr std::size_t buffer_size = 65536;

// The command line's port; ends the program if there is none.
std::uint16_t port_of(int argc, char** argv);

// Prints the line that says that the server is ready.
void announce(std::uint16_t port, std::string_view name);

// Ends the program with 0 at SIGTERM. For servers that have nothing to finish.
void exit_at_sigterm();

// Sets TCP_NODELAY, which accepted sockets inherit from the listener: without it the second part of
// an answer could wait for the delayed acknowledgement of the first.
void send_at_once(int fd);

// A socket that listens on 127.0.0.1 and sends at once. `flags` are those of socket(2). Ends the
// program if that fails.
int listen_on(std::uint16_t port, int flags);

// A socket that receives datagrams on 127.0.0.1. Ends the program if that fails.
int receive_at(std::uint16_t port);

// The port that a socket got.
std::uint16_t port_of_socket(int fd);

[[noreturn]] void fail(char const* what, int error);

}  // namespace server
