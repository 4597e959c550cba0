// Names for addresses of code: by libdw, which reads the symbols and the debug information of the
// program's files, or, built without it, by dladdr(3), which knows exported functions only.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "weft/detail/compiler.hpp"

namespace weft::inline v0::detail {

struct symbol {
  std::string function;  // or, where no name is known, the file and the address in it
  std::string place;     // "file:line"; empty without debug information
};

// Which of the two it is: "libdw" or "dladdr".
extern std::string_view const symboliser;

// In the order of the addresses, at least one for each: by libdw, where there is debug information,
// first the functions that are inlined there, from the innermost on. Reads files and may take a
// tenth of a second; not for a loop's thread.
std::vector<symbol> symbolise(std::span<std::uintptr_t const> addresses);

// For the two: the name as it is written in C++, without what compilers add for their clones.
std::string readable_name(char const* linker_name);

// "/usr/bin/program+0x1234".
std::string unnamed(std::string_view file, std::uintptr_t offset);

}  // namespace weft::inline v0::detail
