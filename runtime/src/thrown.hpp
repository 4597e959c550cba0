// What was thrown, as text: for those who cannot have the exception itself.
#pragma once

#include <cxxabi.h>

#include <cstdlib>
#include <exception>
#include <memory>
#include <string>

#include "weft/detail/compiler.hpp"

namespace weft::inline v0::detail {

struct thrown_text {
  std::string type;     // "std::runtime_error"
  std::string message;  // what(); empty for one that is no std::exception
};

// To be called in a handler, of the exception that it handles.
inline thrown_text thrown_now() {
  thrown_text text{.type = "an unknown exception", .message = {}};
  if (auto const* const type = abi::__cxa_current_exception_type()) {
    int status = 0;
    std::unique_ptr<char, void (*)(void*)> const readable(
        abi::__cxa_demangle(type->name(), nullptr, nullptr, &status), std::free);
    text.type = status == 0 ? readable.get() : type->name();
  }
  try {
    throw;
  } catch (std::exception const& error) {
    text.message = error.what();
  } catch (...) {  // it says no more
  }
  return text;
}

}  // namespace weft::inline v0::detail
