// A program of somebody else's, which knows only the installed package.
#include <weft/weft.hpp>

static weft::task<int> answer() {
  co_await weft::yield();
  co_return 42;
}

int main() { return weft::run(answer()) == 42 ? 0 : 1; }
