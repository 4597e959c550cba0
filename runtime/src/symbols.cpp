// See symbols.hpp. What both ways to the names share.
#include "symbols.hpp"

#include <cxxabi.h>

#include <cstdlib>
#include <memory>

#include <fmt/format.h>

namespace weft::inline v0::detail {

std::string readable_name(char const* linker_name) {
  struct freed {
    void operator()(char* text) const noexcept { std::free(text); }
  };
  // Else the C function f would be read as the type that is encoded so, float.
  if (!std::string_view(linker_name).starts_with("_Z")) return linker_name;
  int failed = 0;
  std::unique_ptr<char, freed> const demangled(
      abi::__cxa_demangle(linker_name, nullptr, nullptr, &failed));
  std::string name = demangled ? demangled.get() : linker_name;
  // "f() [clone .resume]" is what remains of the coroutine f.
  if (auto const clone = name.find(" [clone "); clone != std::string::npos) name.resize(clone);
  return name;
}

std::string unnamed(std::string_view file, std::uintptr_t offset) {
  return fmt::format("{}+{:#x}", file.empty() ? "?" : file, offset);
}

}  // namespace weft::inline v0::detail
