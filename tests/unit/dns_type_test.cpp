// The numbers of DNS and their names, and the codes of its errors.
#include "weft/net/dns/type.hpp"

#include <doctest/doctest.h>

#include <ostream>
#include <stdexcept>
#include <string>
#include <string_view>

#include "weft/net/dns/error.hpp"

using namespace std::string_literals;
using namespace weft::net::dns;

TEST_CASE("types have names, and numbers where they have none") {
  struct example {
    weft::net::dns::type value;
    char const* name;
  };
  for (auto const& [value, name] : {
           example{type::a, "A"},
           example{type::mx, "MX"},
           example{type::aaaa, "AAAA"},
           example{type::https, "HTTPS"},
           example{type::caa, "CAA"},
           example{type::any, "ANY"},
           example{type::axfr, "AXFR"},
           example{type{65'280}, "TYPE65280"},
           example{type{0}, "TYPE0"},
       }) {
    CAPTURE(std::string(name));
    CHECK(to_string(value) == name);
    CHECK(parse_type(name) == value);
  }
  CHECK(parse_type("mx") == type::mx);
  CHECK(parse_type("tYpE15") == type::mx);
  CHECK(to_string(record_class::in) == "IN");
  CHECK(to_string(record_class{42}) == "CLASS42");
  CHECK(parse_class("ch") == record_class::ch);
  CHECK(parse_class("class42") == record_class{42});
}

TEST_CASE("what is no type is refused in one line") {
  for (auto const& text :
       {""s, "foo"s, "mx "s, "type"s, "type65536"s, "type-1"s, "type1x"s, "mx\0"s, "15"s}) {
    CAPTURE(text);
    CHECK_FALSE(try_parse_type(text));
  }
  CHECK_FALSE(try_parse_class("class"));
  CHECK_FALSE(try_parse_class("mx"));
  CHECK_THROWS_WITH_AS(parse_type("foo"),
                       "\"foo\" is no record type: write its name, as in MX, or its number, as in "
                       "TYPE15",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(parse_class("foo"),
                       "\"foo\" is no record class: write its name, as in IN, or its number, as "
                       "in CLASS1",
                       std::invalid_argument);
}

TEST_CASE("response codes and opcodes have the names that BIND prints") {
  CHECK(to_string(rcode::noerror) == "NOERROR");
  CHECK(to_string(rcode::nxdomain) == "NXDOMAIN");
  CHECK(to_string(rcode::notimp) == "NOTIMP");
  CHECK(to_string(rcode::notzone) == "NOTZONE");
  CHECK(to_string(rcode::badvers) == "BADVERS");
  CHECK(to_string(rcode{4095}) == "RCODE4095");
  CHECK(to_string(opcode::query) == "QUERY");
  CHECK(to_string(opcode{3}) == "OPCODE3");
  CHECK(to_string(opcode::update) == "UPDATE");
}

TEST_CASE("an error is a system_error with a code of its own") {
  query_error const error(errc::nxdomain, "query www.example. A at 192.0.2.1:53");
  CHECK(error.kind() == errc::nxdomain);
  CHECK(error.code() == errc::nxdomain);
  CHECK(error.code() != errc::nodata);
  CHECK(error.what() == "query www.example. A at 192.0.2.1:53: there is no such name"s);
  CHECK(make_error_code(errc::timed_out) == std::errc::timed_out);
  for (int code = 1; code <= static_cast<int>(errc::closed); ++code)
    CHECK(category().message(code) != category().message(0));
}
