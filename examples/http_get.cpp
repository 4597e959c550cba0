// http_get: fetches one URL over plain HTTP/1.1 and writes what it gets to standard output:
//
//   http_get http://www.example.org/index.html > page
//
// On a terminal it shows how far it is. An answer that is not 2xx is written too, and said so on
// stderr, with exit code 1. The bytes of HTTP are read by http-parser; Weft moves them.
#include <http_parser.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <exception>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>
#include <weft/net.hpp>
#include <weft/weft.hpp>

#include "command_line.hpp"

using namespace std::chrono_literals;
namespace net = weft::net;

namespace {

// ---- Where to ask, and for what.

struct address_of_page {
  std::string host;     // without the brackets of an IPv6 address
  std::string service;  // the port
  std::string authority;
  std::string target;
};

// Yields what is wrong with the text, or nothing.
std::string read_url(std::string const& text, address_of_page& page) {
  http_parser_url parts{};
  ::http_parser_url_init(&parts);
  bool const readable = ::http_parser_parse_url(text.data(), text.size(), 0, &parts) == 0;
  auto const part = [&](http_parser_url_fields field) {
    auto const& at = parts.field_data[field];
    bool const present = (parts.field_set >> field & 1) != 0;
    return present ? text.substr(at.off, at.len) : std::string();
  };
  if (!readable || part(UF_HOST).empty()) return "'" + text + "' is not a URL";
  if (part(UF_SCHEMA) != "http") return "only http:// is spoken here, not " + part(UF_SCHEMA);
  if (!part(UF_USERINFO).empty()) return "a name and password in the URL would be ignored";
  page.host = part(UF_HOST);
  page.service = part(UF_PORT).empty() ? "80" : part(UF_PORT);
  page.authority = page.host.find(':') == page.host.npos ? page.host : "[" + page.host + "]";
  if (page.service != "80") page.authority += ":" + page.service;
  page.target = part(UF_PATH).empty() ? "/" : part(UF_PATH);
  if (!part(UF_QUERY).empty()) page.target += "?" + part(UF_QUERY);
  return {};
}

// ---- How far it is.

// On a terminal: one line on stderr, drawn at most ten times a second.
class progress {
 public:
  progress() = default;
  progress(progress const&) = delete;
  progress& operator=(progress const&) = delete;
  ~progress() {
    if (visible_) fmt::print(stderr, "\r\033[K");
  }

  void show(std::uint64_t bytes, std::optional<std::uint64_t> of) {
    auto const now = std::chrono::steady_clock::now();
    if (!visible_ || now - shown_ < 100ms) return;
    shown_ = now;
    auto const seconds = std::chrono::duration<double>(now - start_).count();
    fmt::print(stderr, "\r\033[K{} bytes{}, {:.1f} MB/s", bytes,
               of ? fmt::format(" of {} ({} %)", *of, *of == 0 ? 100 : bytes * 100 / *of) : "",
               static_cast<double>(bytes) / 1e6 / seconds);
  }

 private:
  bool visible_ = ::isatty(STDERR_FILENO) != 0;
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point shown_;
};

// ---- The answer.

class response {
 public:
  response() {
    ::http_parser_init(&parser_, HTTP_RESPONSE);
    parser_.data = this;
  }
  response(response const&) = delete;
  response& operator=(response const&) = delete;

  // Takes what has arrived; nothing means the end of the stream. Throws when that is not HTTP.
  // Yields the parts of it that are body, as views.
  std::vector<std::string_view> const& feed(std::string_view arrived) {
    pieces_.clear();
    std::size_t const read =
        ::http_parser_execute(&parser_, &settings(), arrived.data(), arrived.size());
    auto const error = HTTP_PARSER_ERRNO(&parser_);
    if (error == HPE_INVALID_EOF_STATE || (arrived.empty() && !complete_))
      throw std::runtime_error("the connection ended in the middle of the answer");
    if (error != HPE_OK && error != HPE_PAUSED)
      throw std::runtime_error(fmt::format("the answer is not HTTP: {} at byte {}",
                                           ::http_errno_description(error), read_ + read));
    read_ += read;
    return pieces_;
  }

  [[nodiscard]] bool complete() const noexcept { return complete_; }
  [[nodiscard]] unsigned status() const noexcept { return parser_.status_code; }
  [[nodiscard]] std::string const& reason() const noexcept { return reason_; }
  [[nodiscard]] std::optional<std::uint64_t> length() const noexcept { return length_; }

 private:
  static response& of(http_parser* parser) { return *static_cast<response*>(parser->data); }

  static http_parser_settings const& settings() {
    static http_parser_settings const all = [] {
      http_parser_settings made{};
      ::http_parser_settings_init(&made);
      made.on_status = [](http_parser* parser, char const* at, std::size_t size) {
        of(parser).reason_.append(at, size);
        return 0;
      };
      made.on_headers_complete = [](http_parser* parser) {
        bool const known = (parser->flags & F_CONTENTLENGTH) != 0;
        if (known) of(parser).length_ = parser->content_length;
        return 0;
      };
      made.on_body = [](http_parser* parser, char const* at, std::size_t size) {
        of(parser).pieces_.emplace_back(at, size);
        return 0;
      };
      made.on_message_complete = [](http_parser* parser) {
        response& read = of(parser);
        // 100 and its kin come before the answer (RFC 9110, section 15.2).
        read.complete_ = parser->status_code >= 200;
        if (read.complete_)
          ::http_parser_pause(parser, 1);
        else
          read.reason_.clear();
        return 0;
      };
      return made;
    }();
    return all;
  }

  http_parser parser_{};
  std::string reason_;
  std::vector<std::string_view> pieces_;
  std::optional<std::uint64_t> length_;
  std::size_t read_ = 0;
  bool complete_ = false;
};

// ---- The program.

weft::task<> fetch(address_of_page const& page, response& answer, weft::descriptor& out,
                   std::chrono::nanoseconds patience) {
  auto peer = co_await weft::with_timeout(patience, net::connect(page.host, page.service));
  auto const request = fmt::format(
      "GET {} HTTP/1.1\r\nHost: {}\r\nUser-Agent: weft\r\nAccept: */*\r\nConnection: close\r\n\r\n",
      page.target, page.authority);
  co_await weft::with_timeout(patience, peer.write_all(std::as_bytes(std::span(request))));
  progress shown;
  std::uint64_t written = 0;
  while (!answer.complete()) {
    auto const data = co_await weft::with_timeout(patience, peer.read());
    for (auto const piece : answer.feed(data.text())) {
      co_await weft::write_all(out, std::as_bytes(std::span(piece)));
      written += piece.size();
    }
    shown.show(written, answer.length());
  }
}

weft::task<int> get(address_of_page page, std::chrono::nanoseconds patience) {
  auto out = weft::descriptor::adopt(::dup(STDOUT_FILENO));
  response answer;
  try {
    co_await fetch(page, answer, out, patience);
  } catch (weft::timed_out const&) {
    fmt::print(stderr, "http_get: nothing came from {} for {} s\n", page.authority,
               std::chrono::duration<double>(patience).count());
    co_return 1;
  } catch (std::exception const& error) {
    fmt::print(stderr, "http_get: {}\n", error.what());
    co_return 1;
  }
  if (answer.status() / 100 == 2) co_return 0;
  fmt::print(stderr, "http_get: {} answered {} {}\n", page.authority, answer.status(),
             answer.reason());
  co_return 1;
}

}  // namespace

int main(int count, char** values) {
  std::string url;
  double patience_seconds = 30;
  weft::backend_kind backend = weft::backend_kind::automatic;
  address_of_page page;
  command_line line("Fetches a page over HTTP and writes it to standard output.", "http_get");
  line.add_argument("URL", url, "as in http://www.example.org/index.html",
                    [&](std::string const& text) { return read_url(text, page); });
  line.add_option("--timeout", patience_seconds, "seconds to wait for each step (30)",
                  must_be_a_number());
  line.add_backend_option(backend);
  if (auto const code = line.parse(count, values)) return *code;
  return weft::run_main(get(page, from_seconds(patience_seconds)), {.backend = backend});
}
