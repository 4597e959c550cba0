// Commands that run the foreign program of the tests.
#pragma once

#include <string_view>

#include "weft/command.hpp"

namespace support {

template <class... Arguments>
weft::command foreign(std::string_view deed, Arguments const&... arguments) {
  return weft::command(WEFT_FOREIGN_PROGRAM, deed, arguments...);
}

}  // namespace support
