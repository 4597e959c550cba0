// The texts of the codes.
#include "weft/net/dns/error.hpp"

#include <string>

namespace weft::inline v0::net::dns {

namespace {

class dns_category final : public std::error_category {
 public:
  [[nodiscard]] char const* name() const noexcept override { return "dns"; }

  [[nodiscard]] std::string message(int code) const override {
    switch (static_cast<errc>(code)) {
      case errc::timed_out: return "no answer in time";
      case errc::unreachable: return "no server can be reached";
      case errc::nxdomain: return "there is no such name";
      case errc::nodata: return "the name has no record of that type";
      case errc::servfail: return "the server failed";
      case errc::refused: return "the server refused to answer";
      case errc::formerr: return "the server could not read the question";
      case errc::notimp: return "the server does not do that";
      case errc::bad_rcode: return "the server answered with an unusual error";
      case errc::malformed: return "the answer is malformed";
      case errc::truncated: return "the answer is cut short";
      case errc::cname_loop: return "the aliases lead in circles, or are too many";
      case errc::closed: return "the resolver was closed";
    }
    return "unknown error";
  }

  [[nodiscard]] std::error_condition default_error_condition(int code) const noexcept override {
    if (code == static_cast<int>(errc::timed_out)) return std::errc::timed_out;
    return {code, *this};
  }
};

}  // namespace

std::error_category const& category() noexcept {
  static dns_category const only;
  return only;
}

}  // namespace weft::inline v0::net::dns
