// A session: commands from standard input, until "exit" or its end. A prompt is for terminals only.
#pragma once

#include <string>
#include <string_view>

#include <weft/task.hpp>

#include "nslookup/lookup.hpp"
#include "nslookup/settings.hpp"

namespace nslookup {

class session {
 public:
  // Borrows both.
  session(settings& given, lookup_runner& lookups) : given_(given), lookups_(lookups) {}

  weft::task<> run();

 private:
  weft::task<> obey(std::string line);

  settings& given_;
  lookup_runner& lookups_;
  bool ended_ = false;
};

// Asks that host from now on. Throws fatal_error when the system knows no address of it.
weft::task<> change_server(settings& changed, std::string host);

}  // namespace nslookup
