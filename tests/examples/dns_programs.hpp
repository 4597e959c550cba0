// dns_server with the zones of the examples, and nslookup asking it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "examples/served.hpp"
#include "support/program.hpp"

using words = std::vector<std::string>;

inline std::string zone_path(std::string const& name) {
  return std::string(WEFT_SOURCE_DIR "/examples/zones/") + name;
}

// A server of all the zones. Of python.org "broken" gets a SERVFAIL, "silent" no answer, and "cut"
// an answer over TCP only.
inline served dns_server(std::string const& backend, words further = {}) {
  for (auto const& each : std::filesystem::directory_iterator(zone_path("")))
    further.insert(further.end(), {"--zone", each.path().string()});
  further.insert(further.end(), {"--servfail", "broken.python.org", "--drop", "silent.python.org",
                                 "--truncate", "cut.python.org"});
  return served("dns_server", backend, std::move(further));
}

// The arguments that ask for something there: -port=N, the given ones, the server's address.
inline words asking(served const& server, words const& given) {
  words all{"-port=" + std::to_string(server.port())};
  all.insert(all.end(), given.begin(), given.end());
  all.emplace_back("127.0.0.1");
  return all;
}
