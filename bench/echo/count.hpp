// Figures of a server that no other program on the machine can disturb.
#pragma once

#include <vector>

#include "support/servers.hpp"

namespace bench {

// Prints user-space instructions and system calls per echo of 64 B over 50 connections: what two
// loads of different length differ by, divided by the difference in requests. Needs valgrind and
// strace. Instructions are counted on epoll only: Valgrind does not know the newer rings.
void count_all(std::vector<server> const& servers);

}  // namespace bench
