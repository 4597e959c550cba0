// Names and lines from the files that this process consists of, by libdw of elfutils. See
// symbols.hpp.
#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <memory>
#include <mutex>
#include <utility>

#include <fmt/format.h>

#include "symbols.hpp"

namespace weft::inline v0::detail {

std::string_view const symboliser = "libdw";

namespace {

struct ended {
  void operator()(Dwfl* session) const noexcept { ::dwfl_end(session); }
};
struct freed {
  void operator()(Dwarf_Die* scopes) const noexcept { std::free(scopes); }
};

// Separate debug information is looked for by build id, below /usr/lib/debug. The callback that is
// usual, dwfl_standard_find_debuginfo, would also ask servers (debuginfod).
constexpr Dwfl_Callbacks only_local_files{
    .find_elf = ::dwfl_linux_proc_find_elf,
    .find_debuginfo = ::dwfl_build_id_find_debuginfo,
    .section_address = nullptr,
    .debuginfo_path = nullptr,
};

// The compilation unit that an address is in, and the difference between addresses in the process
// and in the file. Clang writes no .debug_aranges, which libdw before 0.191 goes by; so all units
// are looked through if need be.
Dwarf_Die* unit_of(Dwfl_Module* module, Dwarf_Addr address, Dwarf_Addr& bias) {
  Dwarf_Die* unit = ::dwfl_module_addrdie(module, address, &bias);
  if (unit != nullptr) return unit;
  while ((unit = ::dwfl_module_nextcu(module, unit, &bias)) != nullptr)
    if (::dwarf_haspc(unit, address - bias) > 0) return unit;
  return nullptr;
}

std::string place_in(char const* file, unsigned line) {
  if (file == nullptr) return {};
  return fmt::format("{}:{}", std::filesystem::path(file).lexically_normal().string(), line);
}

std::string place_of(Dwarf_Die* unit, Dwarf_Addr address) {
  Dwarf_Line* const line = ::dwarf_getsrc_die(unit, address);
  int number = 0;
  if (line == nullptr || ::dwarf_lineno(line, &number) != 0) return {};
  return place_in(::dwarf_linesrc(line, nullptr, nullptr), static_cast<unsigned>(number));
}

Dwarf_Word number_of(Dwarf_Die* entry, unsigned attribute) {
  Dwarf_Attribute found;
  Dwarf_Word number = 0;
  ::dwarf_formudata(::dwarf_attr(entry, attribute, &found), &number);
  return number;
}

// Where what is inlined there is called.
std::string call_place_of(Dwarf_Die* inlined, Dwarf_Die* unit) {
  Dwarf_Files* files = nullptr;
  std::size_t count = 0;
  if (::dwarf_getsrcfiles(unit, &files, &count) != 0) return {};
  return place_in(::dwarf_filesrc(files, number_of(inlined, DW_AT_call_file), nullptr, nullptr),
                  static_cast<unsigned>(number_of(inlined, DW_AT_call_line)));
}

std::string name_of(Dwarf_Die* function) {
  Dwarf_Attribute found;
  char const* const name =
      ::dwarf_formstring(::dwarf_attr_integrate(function, DW_AT_linkage_name, &found));
  if (name != nullptr) return readable_name(name);
  char const* const short_name = ::dwarf_diename(function);
  return short_name != nullptr ? short_name : "?";
}

// The scopes around the address in the file, from the innermost to the unit. What dwarf_getscopes
// alone yields is where functions are written, not where they are inlined.
std::vector<Dwarf_Die> scopes_at(Dwarf_Die* unit, Dwarf_Addr address) {
  Dwarf_Die* found = nullptr;
  if (::dwarf_getscopes(unit, address, &found) <= 0) return {};
  std::unique_ptr<Dwarf_Die, freed> const written(found);
  int const count = ::dwarf_getscopes_die(written.get(), &found);
  if (count <= 0) return {};
  std::unique_ptr<Dwarf_Die, freed> const around(found);
  return {around.get(), around.get() + count};
}

// Adds what is inlined at the address, innermost first; yields the place in what all that is in.
std::string add_inlined(Dwfl_Module* module, Dwarf_Addr address, std::vector<symbol>& to) {
  Dwarf_Addr bias = 0;
  Dwarf_Die* const unit = unit_of(module, address, bias);
  if (unit == nullptr) return {};
  std::string place = place_of(unit, address - bias);
  for (auto& scope : scopes_at(unit, address - bias)) {
    if (::dwarf_tag(&scope) != DW_TAG_inlined_subroutine) continue;
    to.push_back({.function = name_of(&scope), .place = std::move(place)});
    place = call_place_of(&scope, unit);
  }
  return place;
}

void add_symbols(Dwfl* session, Dwarf_Addr address, std::vector<symbol>& to) {
  Dwfl_Module* const module = session != nullptr ? ::dwfl_addrmodule(session, address) : nullptr;
  if (module == nullptr) {
    to.push_back({.function = unnamed({}, address), .place = {}});
    return;
  }
  std::string place = add_inlined(module, address, to);
  GElf_Off offset = 0;
  GElf_Sym entry{};
  char const* const name =
      ::dwfl_module_addrinfo(module, address, &offset, &entry, nullptr, nullptr, nullptr);
  if (name != nullptr) {
    to.push_back({.function = readable_name(name), .place = std::move(place)});
    return;
  }
  Dwarf_Addr start = 0;
  char const* const file =
      ::dwfl_module_info(module, nullptr, &start, nullptr, nullptr, nullptr, nullptr, nullptr);
  to.push_back({.function = unnamed(file != nullptr ? file : "", address - start), .place = {}});
}

}  // namespace

std::vector<symbol> symbolise(std::span<std::uintptr_t const> addresses) {
  static std::mutex one_at_a_time;  // libdw makes no promises about threads
  std::lock_guard const lock(one_at_a_time);
  // Anew each time, as libraries come and go.
  std::unique_ptr<Dwfl, ended> session(::dwfl_begin(&only_local_files));
  if (session && (::dwfl_linux_proc_report(session.get(), ::getpid()) != 0 ||
                  ::dwfl_report_end(session.get(), nullptr, nullptr) != 0))
    session.reset();
  std::vector<symbol> names;
  names.reserve(addresses.size());
  for (auto const address : addresses) add_symbols(session.get(), address, names);
  return names;
}

}  // namespace weft::inline v0::detail
