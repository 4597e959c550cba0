// One lookup from the question to what is printed: along the search list, from server to server,
// again after silence, and over TCP where an answer is cut short. All in the order, and with the
// remarks, of BIND.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <weft/net/dns/resolver.hpp>
#include <weft/task.hpp>

#include "nslookup/names.hpp"
#include "nslookup/printer.hpp"
#include "nslookup/settings.hpp"

namespace nslookup {

// What was asked for, with the settings as they were then: an option that comes later changes how
// it is printed, but not the question.
struct lookup {
  nslookup::question question;
  bool use_tcp;
  bool recurse;
  int tries;
  bool goes_on_at_servfail;
};

// The question for a name, or the PTR question for an address.
lookup make_lookup(settings const& given, std::string const& text);

class lookup_runner {
 public:
  // Borrows all of them.
  lookup_runner(settings const& given, dns::resolver& resolver, bool as_json)
      : given_(given), resolver_(resolver), as_json_(as_json) {}

  // Asks, and prints what comes. Throws fatal_error for what is no name.
  weft::task<> run(lookup asked);

  // 0 when there has been an answer, and none that was an error; else 1.
  [[nodiscard]] int exit_code() const { return answered_ && !failed_ ? 0 : 1; }

 private:
  // An answer, and the server that gave it.
  struct given_answer {
    dns::reply reply;
    server from;
  };
  using maybe_answer = std::optional<given_answer>;

  // A reply, or why there is none.
  struct attempt {
    std::optional<dns::reply> reply;
    dns::errc failure{};
  };

  // Yields the name that was found, or none.
  weft::task<std::string> find(lookup& asked, bool as_is);
  weft::task<maybe_answer> ask_servers(lookup& asked, std::string name);
  weft::task<attempt> ask(lookup const& asked, std::string const& name, server const& to);

  [[nodiscard]] std::string_view trouble_with(lookup const& asked,
                                              dns::message const& answer) const;
  void print(lookup const& asked, std::string const& name, given_answer const& answer);
  void comment(std::string const& text) const;

  settings const& given_;
  dns::resolver& resolver_;
  bool as_json_;
  print_state printed_;
  bool answered_ = false;
  bool failed_ = false;
};

}  // namespace nslookup
