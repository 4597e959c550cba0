// The steps of the tour, in its order. Each says what it does, does it, and says what it found.
#pragma once

#include <string>

#include <weft/task.hpp>

#include "narrator.hpp"

namespace tour {

weft::task<> serve_clients(narrator& out);

// `programs` is the directory of the examples, where dns_server and nslookup are.
weft::task<> resolve_names(narrator& out, std::string programs);

weft::task<> read_files(narrator& out);
weft::task<> compute(narrator& out);
weft::task<> lose_a_worker(narrator& out);
weft::task<> share_tasks(narrator& out);

}  // namespace tour
