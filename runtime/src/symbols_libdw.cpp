// Names and lines from the files that this process consists of, by libdw of elfutils. See
// symbols.hpp.
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <unistd.h>

#include <filesystem>
#include <memory>
#include <mutex>

#include <fmt/format.h>

#include "symbols.hpp"

namespace weft::inline v0::detail {

std::string_view const symboliser = "libdw";

namespace {

struct ended {
  void operator()(Dwfl* session) const noexcept { ::dwfl_end(session); }
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

std::string place_of(Dwfl_Module* module, Dwarf_Addr address) {
  Dwarf_Addr bias = 0;
  Dwarf_Die* const unit = unit_of(module, address, bias);
  Dwarf_Line* const line = unit != nullptr ? ::dwarf_getsrc_die(unit, address - bias) : nullptr;
  int number = 0;
  char const* const file = line != nullptr ? ::dwarf_linesrc(line, nullptr, nullptr) : nullptr;
  if (file == nullptr || ::dwarf_lineno(line, &number) != 0) return {};
  return fmt::format("{}:{}", std::filesystem::path(file).lexically_normal().string(), number);
}

symbol symbol_at(Dwfl* session, Dwarf_Addr address) {
  Dwfl_Module* const module = session != nullptr ? ::dwfl_addrmodule(session, address) : nullptr;
  if (module == nullptr) return {.function = unnamed({}, address), .place = {}};
  GElf_Off offset = 0;
  GElf_Sym entry{};
  char const* const name =
      ::dwfl_module_addrinfo(module, address, &offset, &entry, nullptr, nullptr, nullptr);
  if (name != nullptr) return {.function = readable_name(name), .place = place_of(module, address)};
  Dwarf_Addr start = 0;
  char const* const file =
      ::dwfl_module_info(module, nullptr, &start, nullptr, nullptr, nullptr, nullptr, nullptr);
  return {.function = unnamed(file != nullptr ? file : "", address - start), .place = {}};
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
  for (auto const address : addresses) names.push_back(symbol_at(session.get(), address));
  return names;
}

}  // namespace weft::inline v0::detail
