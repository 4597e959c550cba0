// How a connection that waits for what may never come notices that there is nobody any more: a
// machine that lost its power says no good-bye.
#pragma once

namespace weft::inline v0::net {
class tcp_stream;
}

namespace weft::inline v0::detail {

// A peer that answers nothing for some 35 s, not even the kernel's own questions, ends the
// connection with ETIMEDOUT. See tcp(7). Throws std::system_error.
void end_in_silence(net::tcp_stream& connection);

}  // namespace weft::inline v0::detail
