// A program of somebody else's, which knows only the installed package.
#include <weft/net/endpoint.hpp>
#include <weft/weft.hpp>

static weft::task<int> answer() {
  co_await weft::yield();
  co_return weft::net::endpoint::parse("[::1]:42").port();
}

int main() { return weft::run(answer()) == 42 ? 0 : 1; }
