// Does all kinds of work on the backend named WEFT_BACKEND, under whatever faults others inject,
// and leaves no descriptor open.
#include <cstdlib>
#include <exception>

#include "all_kinds_of_work.hpp"
#include "open_descriptors.hpp"
#include "require.hpp"

namespace {

weft::task<> app(std::string_view expected) {
  require_says(weft::this_loop::backend_name(), expected);
  co_await all_kinds_of_work();
}

}  // namespace

int main() {
  try {
    auto const before = open_descriptors();
    std::string_view const wanted = std::getenv("WEFT_BACKEND");
    weft::run(app(wanted == "uring" ? "io_uring" : wanted));
    require(open_descriptors() == before, "a descriptor is left open");
  } catch (std::exception const& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
