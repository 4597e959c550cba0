// After `run` has returned there is no task that could be advised to stop.
#include <weft/weft.hpp>

namespace {

weft::task<> app() { co_return; }

}  // namespace

int main() {
  weft::run(app());
  return weft::stop_requested() ? 1 : 0;
}
