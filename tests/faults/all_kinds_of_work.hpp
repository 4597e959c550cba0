// A bit of everything a loop does: numbered bytes echoed through pipes by nested tasks, timers, a
// timeout that fires, and blocking calls, all at once. Throws when anything was lost or changed.
#pragma once

#include <weft/weft.hpp>

weft::task<> all_kinds_of_work();
