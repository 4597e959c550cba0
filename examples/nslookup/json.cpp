#include "nslookup/json.hpp"

#include <fmt/format.h>

#include "nslookup/names.hpp"

namespace nslookup {

namespace {

std::string quoted(std::string_view text) {
  std::string quoted = "\"";
  for (char const letter : text) {
    if (letter == '"' || letter == '\\') quoted += '\\';
    if (static_cast<unsigned char>(letter) < ' ')
      quoted += fmt::format("\\u{:04x}", static_cast<unsigned>(letter));
    else
      quoted += letter;
  }
  return quoted + '"';
}

std::string asked_text(std::string_view name, dns::type asked, std::string_view rcode) {
  return fmt::format(R"("name": {}, "type": "{}", "rcode": "{}")", quoted(name),
                     dns::to_string(asked), rcode);
}

std::string record_json(dns::record const& shown) {
  return fmt::format(R"({{"name": {}, "type": "{}", "ttl": {}, "data": {}}})",
                     quoted(shown_name(shown.name)), dns::to_string(shown.type), shown.ttl.count(),
                     quoted(shown.data));
}

double milliseconds_of(std::chrono::nanoseconds duration) {
  return std::chrono::duration<double, std::milli>(duration).count();
}

}  // namespace

std::string json_text(std::string_view name, dns::type asked, dns::reply const& reply,
                      std::chrono::nanoseconds elapsed) {
  std::string answers;
  for (auto const& each : reply.message.answers) {
    if (!answers.empty()) answers += ", ";
    answers += record_json(each);
  }
  return fmt::format(R"({{{}, "answers": [{}], "server": "{}", "ms": {:.3f}}})",
                     asked_text(name, asked, dns::to_string(reply.message.rcode)), answers,
                     reply.server.to_string(), milliseconds_of(elapsed));
}

std::string json_failure_text(std::string_view name, dns::type asked, std::string_view reason,
                              std::chrono::nanoseconds elapsed) {
  return fmt::format(R"({{{}, "answers": [], "server": null, "ms": {:.3f}}})",
                     asked_text(name, asked, reason), milliseconds_of(elapsed));
}

}  // namespace nslookup
