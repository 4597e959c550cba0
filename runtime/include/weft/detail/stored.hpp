// How what a task yields is kept until somebody takes it: references, which no std::optional and no
// tuple of values holds, as std::reference_wrapper; void as std::monostate.
#pragma once

#include <functional>
#include <type_traits>
#include <variant>

#include "weft/detail/compiler.hpp"

namespace weft::inline v0::detail {

template <class T>
struct stored_as {
  static_assert(!std::is_rvalue_reference_v<T>,
                "weft: what an rvalue reference refers to may be gone; yield the value itself");
  using type = std::remove_cvref_t<T>;
};

template <class T>
struct stored_as<T&> {
  using type = std::reference_wrapper<T>;
};

template <>
struct stored_as<void> {
  using type = std::monostate;
};

template <class T>
using stored = typename stored_as<T>::type;

}  // namespace weft::inline v0::detail
