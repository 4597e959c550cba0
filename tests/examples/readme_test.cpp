// The README shows programs that are built and tested.
#include <fstream>
#include <iterator>
#include <string>

#include <doctest/doctest.h>

namespace {

std::string content_of(std::string const& path) {
  std::ifstream file(WEFT_SOURCE_DIR "/" + path);
  REQUIRE(file);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

TEST_CASE("README.md contains the echo example as it is") {
  auto const readme = content_of("README.md");
  auto const example = content_of("examples/echo.cpp");
  CHECK(readme.find("\n```cpp\n" + example + "```\n") != std::string::npos);
}
