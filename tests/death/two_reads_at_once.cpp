// Two tasks read on one descriptor at once: a debug build aborts. A release build throws
// std::logic_error in the second, and the first goes on.
#include <weft/weft.hpp>

#include <array>
#include <cstdio>
#include <stdexcept>
#include <string_view>

namespace {

std::array<std::byte, 1> const one_byte{std::byte{7}};

weft::task<> read_the_byte(weft::descriptor& from) {
  std::array<std::byte, 1> buffer{};
  if (co_await from.read_some(buffer) != 1 || buffer != one_byte)
    throw std::runtime_error("the first read did not get the byte");
}

weft::task<bool> app() {
  auto pipe = weft::make_pipe();
  bool refused = false;
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    tasks.spawn(read_the_byte(pipe.read));
    co_await weft::yield();
    try {
      co_await read_the_byte(pipe.read);
    } catch (std::logic_error const& error) {
      std::fprintf(stderr, "%s\n", error.what());
      refused = std::string_view(error.what()).starts_with("weft: two reads at once on fd ");
    }
    co_await pipe.write.write_some(one_byte);
  });
  co_return refused;
}

}  // namespace

int main() { return weft::run(app()) ? 0 : 1; }
