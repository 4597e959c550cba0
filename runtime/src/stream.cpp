// How the algorithms over streams fail.
#include "weft/stream.hpp"

#include <cerrno>

#include "weft/error.hpp"

namespace weft::inline v0::detail {

void rethrow_with(std::size_t bytes_done) {
  try {
    throw;
  } catch (cancelled const&) {
    throw cancelled(bytes_done);
  } catch (timed_out const&) {
    throw timed_out(bytes_done);
  } catch (std::system_error const& step) {
    throw transfer_error(step, bytes_done);
  } catch (end_of_stream const&) {
    throw end_of_stream(bytes_done);
  }
}

void throw_nothing_written() {
  throw std::system_error(EIO, std::generic_category(), "weft: a stream wrote nothing");
}

}  // namespace weft::inline v0::detail
