// A coroutine frame is destroyed while the kernel may still write to a buffer in it.
#include <weft/weft.hpp>

#include <array>

#include "own_handle.hpp"

namespace {

weft::task<> read_for_ever(weft::descriptor& from, std::coroutine_handle<>& reader) {
  std::array<std::byte, 16> buffer{};
  co_await own_handle{reader};
  co_await from.read_some(buffer);  // the line
}

weft::task<> app() {
  auto pipe = weft::make_pipe();
  std::coroutine_handle<> reader;
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    tasks.spawn(read_for_ever(pipe.read, reader));
    co_await weft::yield();
    reader.destroy();
  });
}

}  // namespace

int main() { weft::run(app()); }
