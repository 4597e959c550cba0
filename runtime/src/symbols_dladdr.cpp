// Names of exported functions, as the dynamic loader knows them. See symbols.hpp.
#include <dlfcn.h>

#include "symbols.hpp"

namespace weft::inline v0::detail {

std::string_view const symboliser = "dladdr";

std::vector<symbol> symbolise(std::span<std::uintptr_t const> addresses) {
  std::vector<symbol> names;
  for (auto const address : addresses) {
    Dl_info found{};
    if (::dladdr(reinterpret_cast<void*>(address), &found) == 0)
      names.push_back({.function = unnamed({}, address), .place = {}});
    else if (found.dli_sname != nullptr)
      names.push_back({.function = readable_name(found.dli_sname), .place = {}});
    else
      names.push_back(
          {.function = unnamed(found.dli_fname,
                               address - reinterpret_cast<std::uintptr_t>(found.dli_fbase)),
           .place = {}});
  }
  return names;
}

}  // namespace weft::inline v0::detail
