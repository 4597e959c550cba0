// How asking fails: as std::system_error with one of the codes here, so that as_result() takes it,
// too.
#pragma once

#include <string>
#include <system_error>

#include "weft/detail/compiler.hpp"

namespace weft::inline v0::net::dns {

enum class errc : int {
  timed_out = 1,  // no server answered in time
  unreachable,    // no server could be reached: refused, no route
  nxdomain,       // there is no such name
  nodata,         // the name is there, but has no record of the type
  servfail,       // the servers failed
  refused,        // the servers refused to answer
  formerr,        // the servers say that they cannot read the question
  notimp,         // the servers do not do that
  bad_rcode,      // the servers answered with another code that is no success
  malformed,      // what came is no message
  truncated,      // what came over TCP ended early, or says that it is cut short
  cname_loop,     // aliases lead in circles, or are too many
  closed,         // the resolver was destroyed, or its scope cancelled, before there was an answer
};

}  // namespace weft::inline v0::net::dns

template <>
struct std::is_error_code_enum<weft::net::dns::errc> : std::true_type {};

namespace weft::inline v0::net::dns {

WEFT_API std::error_category const& category() noexcept;

inline std::error_code make_error_code(errc value) noexcept {
  return {static_cast<int>(value), category()};
}

// Its text is one line with the name, the type and the servers that were asked: "query www.example.
// MX at 192.0.2.1:53, 192.0.2.2:53: no answer in time". Where servers failed in different ways the
// code is the last one's.
class WEFT_API query_error : public std::system_error {
 public:
  query_error(errc code, std::string const& what)
      : std::system_error(make_error_code(code), what) {}

  [[nodiscard]] errc kind() const noexcept { return static_cast<errc>(code().value()); }
};

}  // namespace weft::inline v0::net::dns
