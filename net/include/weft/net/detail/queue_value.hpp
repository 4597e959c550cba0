// Values of tasks and results as the bytes that queues carry: one value of msgpack.
#pragma once

#include <exception>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>

#include "weft/detail/codec.hpp"
#include "weft/transferable.hpp"

namespace weft::inline v0::detail {

template <class T>
std::string encoded_value(T const& value) {
  require_transferable<traveler_t<T>>();
  byte_sink bytes;
  encode_value<traveler_t<T>>(bytes, value);
  auto const made = bytes.bytes();
  return {reinterpret_cast<char const*>(made.data()), made.size()};
}

// `what` is said of bytes that are no T.
template <class T>
T decoded_value(std::string_view bytes, std::string const& what) {
  try {
    return std::get<0>(decode<T>(std::as_bytes(std::span(bytes))));
  } catch (std::exception const&) {
    throw std::runtime_error("weft: " + what + " is of another type than was asked for");
  }
}

}  // namespace weft::inline v0::detail
