// Does a server echo correctly?
#pragma once

#include "support/server_process.hpp"

namespace bench {

// Messages of all sizes, over one connection and many; a client that sends without reading until
// the server stops taking, which makes it write in parts; and one that ends its direction first.
// Throws if anything is wrong.
void check_echo(server_process& process);

}  // namespace bench
