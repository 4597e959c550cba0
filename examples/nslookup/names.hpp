// Names as people type them and as BIND reads and prints them, which is stricter and more talkative
// than what the library takes.
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace nslookup {

// What is wrong with a name, in BIND's words.
struct bad_name : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// It is too long with the domain behind it: in a search list, another one may be shorter.
struct name_too_long : bad_name {
  name_too_long() : bad_name("name too long") {}
};

// A name as labels. Throws bad_name.
class typed_name {
 public:
  explicit typed_name(std::string_view text);

  [[nodiscard]] bool absolute() const noexcept { return absolute_; }  // it had a dot at its end
  [[nodiscard]] int labels() const noexcept { return labels_; }       // without the root

  // In the form of zone files, absolute, with the domain appended to a name that is not. Throws
  // name_too_long.
  [[nodiscard]] std::string within(typed_name const& domain) const;
  [[nodiscard]] std::string absolute_text() const;

 private:
  void add_label(std::string const& label);

  std::vector<std::byte> wire_;  // without the root at its end
  int labels_ = 0;
  bool absolute_ = false;
};

// A name of a message (as dns/name.hpp has them) as BIND prints it: without the dot at the end, and
// with its escapes.
std::string shown_name(std::string_view name);

}  // namespace nslookup
