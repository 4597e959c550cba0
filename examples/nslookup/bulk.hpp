// --bulk: many names at once, one JSON object a line, with a progress bar and a summary on stderr.
#pragma once

#include <cstddef>
#include <string>

#include <weft/net/dns/resolver.hpp>
#include <weft/task.hpp>

#include "nslookup/settings.hpp"

namespace nslookup {

namespace dns = weft::net::dns;

struct bulk_options {
  std::string path;  // "-": standard input
  std::size_t concurrency = 1'000;
  double a_second = 0;  // questions begun in a second at most; 0: no limit
};

// Asks for each line of the file, a name or an address, and prints the answers as they come.
// Borrows all three. Yields the exit code: 0 when each question had an answer, whatever it was.
// Throws fatal_error for a file that cannot be opened.
weft::task<int> run_bulk(settings const& given, dns::resolver& resolver,
                         bulk_options const& options);

}  // namespace nslookup
