// Names of threads, as the system shows them: the first 15 bytes. See pthread_setname_np(3).
#pragma once

#include <pthread.h>

#include <string>

#include "weft/detail/compiler.hpp"

namespace weft::inline v0::detail {

inline void name_thread(pthread_t thread, std::string const& name) {
  constexpr std::size_t bytes_max = 15;
  ::pthread_setname_np(thread, name.substr(0, bytes_max).c_str());
}

}  // namespace weft::inline v0::detail
