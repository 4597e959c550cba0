// http_get against a server that says what the case has it say.
#include <string>
#include <string_view>
#include <vector>

#include "examples/plain_socket.hpp"
#include "support/program.hpp"

#include <doctest/doctest.h>

using support::example;
using support::program;

namespace {

struct exchange {
  std::string request;
  program::ended ended;
  std::string authority;
};

// Runs http_get for the path, and answers it with the pieces, one after the other.
exchange get(std::string const& path, std::vector<std::string_view> const& answer) {
  auto const server = plain_socket::bind();
  server.listen();
  exchange done{
      .request = {}, .ended = {}, .authority = "127.0.0.1:" + std::to_string(server.port())};
  program client(example("http_get"), {"http://" + done.authority + path});
  {
    auto peer = server.accept();
    for (auto line = peer.line(); line != "\r"; line = peer.line()) done.request += line + "\n";
    for (auto const piece : answer) peer.send(piece);
    peer.send_end();
    peer.rest();
  }
  done.ended = client.wait();
  return done;
}

exchange get(std::string const& path, std::string_view answer) {
  return get(path, std::vector{answer});
}

}  // namespace

TEST_CASE("the body is written as it is, and nothing else") {
  auto const done = get("/page?q=1", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\na\nb\n\r");
  CHECK(done.request == "GET /page?q=1 HTTP/1.1\r\nHost: " + done.authority +
                            "\r\nUser-Agent: weft\r\nAccept: */*\r\nConnection: close\r\n");
  CHECK(done.ended.code == 0);
  CHECK(done.ended.out == "a\nb\n\r");
  CHECK(done.ended.err.empty());
}

TEST_CASE("a body without a length ends with the connection") {
  auto const done = get("", "HTTP/1.0 200 OK\r\n\r\nall of it");
  CHECK(done.request.starts_with("GET / HTTP/1.1\r\n"));
  CHECK(done.ended.code == 0);
  CHECK(done.ended.out == "all of it");
}

TEST_CASE("chunks are put together, also when they come a byte at a time") {
  std::string_view const text =
      "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
      "5\r\nhello\r\n7;x=y\r\n, world\r\n0\r\nTrailer: x\r\n\r\n";
  std::vector<std::string_view> bytes;
  for (std::size_t i = 0; i < text.size(); ++i) bytes.push_back(text.substr(i, 1));
  auto const done = get("/", bytes);
  CHECK(done.ended.code == 0);
  CHECK(done.ended.out == "hello, world");
}

TEST_CASE("what comes before the answer is passed over") {
  auto const done =
      get("/", "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  CHECK(done.ended.code == 0);
  CHECK(done.ended.out == "ok");
}

TEST_CASE("an answer that is no success is written, named on stderr, and yields 1") {
  auto const done = get("/", "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\ngone");
  CHECK(done.ended.code == 1);
  CHECK(done.ended.out == "gone");
  CHECK(done.ended.err == "http_get: " + done.authority + " answered 404 Not Found\n");
}

TEST_CASE("an answer that is cut short is an error in one line") {
  for (std::string_view const cut :
       {"", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nshort",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"}) {
    CAPTURE(cut);
    auto const done = get("/", cut);
    CHECK(done.ended.code == 1);
    CHECK(done.ended.err == "http_get: the connection ended in the middle of the answer\n");
  }
}

TEST_CASE("what is not HTTP is an error in one line") {
  auto const done = get("/", "220 mail.example.org ESMTP\r\n");
  CHECK(done.ended.code == 1);
  CHECK(done.ended.out.empty());
  CHECK(done.ended.err.starts_with("http_get: the answer is not HTTP: "));
  CHECK(done.ended.err.find('\n') == done.ended.err.size() - 1);
}

TEST_CASE("a URL that cannot be fetched is bad usage") {
  for (char const* url : {"", "www.example.org", "http://", "https://example.org/",
                          "http://me:secret@example.org/", "http://example.org:99999/"}) {
    CAPTURE(url);
    auto const ended = program(example("http_get"), {url}).wait();
    CHECK(ended.code == 2);
    CHECK(ended.out.empty());
    CHECK(ended.err.starts_with("http_get: "));
    CHECK(ended.err.find('\n') == ended.err.size() - 1);
  }
}

TEST_CASE("a host that refuses is named in one line") {
  auto const nobody = plain_socket::bind();
  auto const authority = "127.0.0.1:" + std::to_string(nobody.port());
  auto const ended = program(example("http_get"), {"http://" + authority + "/"}).wait();
  CHECK(ended.code == 1);
  CHECK(ended.err ==
        "http_get: connect " + authority + ": " + authority + ": Connection refused\n");
}

TEST_CASE("a host that says nothing is given up") {
  auto const server = plain_socket::bind();
  server.listen();
  auto const authority = "127.0.0.1:" + std::to_string(server.port());
  auto const ended =
      program(example("http_get"), {"http://" + authority + "/", "--timeout", "0.05"}).wait();
  CHECK(ended.code == 1);
  CHECK(ended.err == "http_get: nothing came from " + authority + " for 0.05 s\n");
}
