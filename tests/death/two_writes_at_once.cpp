// Two tasks write on one descriptor at once: a debug build aborts. A release build throws
// std::logic_error in the second, and the first goes on.
#include <weft/weft.hpp>

#include <array>
#include <cstdio>
#include <stdexcept>
#include <string_view>
#include <vector>

namespace {

// More than a pipe holds, so that the write after it waits.
constexpr std::size_t too_much = 1 << 20;

weft::task<> write_all(weft::descriptor& to) {
  std::vector<std::byte> const bytes(too_much);
  for (std::span<std::byte const> left = bytes; !left.empty();)
    left = left.subspan(co_await to.write_some(left));
}

weft::task<> read_all(weft::descriptor& from) {
  std::vector<std::byte> buffer(too_much);
  for (std::size_t count = 0; count < too_much;) count += co_await from.read_some(buffer);
}

weft::task<bool> app() {
  auto pipe = weft::make_pipe();
  bool refused = false;
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    tasks.spawn(write_all(pipe.write));
    co_await weft::yield();
    try {
      co_await write_all(pipe.write);
    } catch (std::logic_error const& error) {
      std::fprintf(stderr, "%s\n", error.what());
      refused = std::string_view(error.what()).starts_with("weft: two writes at once on fd ");
    }
    co_await read_all(pipe.read);
  });
  co_return refused;
}

}  // namespace

int main() { return weft::run(app()) ? 0 : 1; }
