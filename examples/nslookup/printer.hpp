// What nslookup prints of an answer, exactly as BIND 9.18's does.
#pragma once

#include <string>

#include <weft/net/dns/message.hpp>

#include "nslookup/settings.hpp"

namespace nslookup {

namespace dns = weft::net::dns;

// What is asked, as far as printing an answer needs it.
struct question {
  std::string text;  // as it was given
  dns::type type;
  dns::record_class record_class;
};

// An A question without an answer says nothing yet when AAAA comes next; only if that has none
// either, it is said once for both.
struct print_state {
  bool had_no_a = false;
};

// Prints the answer of that server to a question about `name`.
void print_answer(settings const& given, question const& asked, std::string const& name,
                  server const& from, dns::message const& answer, print_state& state);

}  // namespace nslookup
