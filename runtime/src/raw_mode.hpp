// The terminal's way back from raw mode, for those who end the process at once.
#pragma once

namespace weft::inline v0::detail {

// Makes the terminal as it was; nothing when no raw_mode exists. Async-signal-safe.
void restore_terminal() noexcept;

}  // namespace weft::inline v0::detail
