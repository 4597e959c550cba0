// A thread cancels a scope of a loop that is not its own.
#include <weft/weft.hpp>

#include <thread>

namespace {

weft::task<> app() {
  co_await weft::cancellable([](weft::cancel_scope& scope) -> weft::task<> {
    std::thread([&] { scope.cancel(); }).join();
    co_return;
  });
}

}  // namespace

int main() { weft::run(app()); }
