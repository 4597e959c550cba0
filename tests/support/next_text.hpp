// What a stream has next, as text. A function of its own, since GCC 13 and 14 refuse
// (co_await x).member inside templates, which the cases on every backend are.
#pragma once

#include <string>

#include "weft/buffer.hpp"
#include "weft/task.hpp"

namespace support {

template <class Stream>
weft::task<std::string> next_text(Stream& from) {
  auto const data = co_await from.read();
  co_return std::string(data.text());
}

}  // namespace support
