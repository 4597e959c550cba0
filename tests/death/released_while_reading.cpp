// A descriptor is released while a task reads on it.
#include <weft/weft.hpp>

#include <array>

namespace {

weft::task<> read_one(weft::descriptor& from) {
  std::array<std::byte, 1> buffer{};
  co_await from.read_some(buffer);
}

weft::task<> app() {
  auto pipe = weft::make_pipe();
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    tasks.spawn(read_one(pipe.read));
    co_await weft::yield();
    pipe.read.release();
    pipe.write.close();
  });
}

}  // namespace

int main() { weft::run(app()); }
