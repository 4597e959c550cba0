// Lets system calls fail in this process from now on, by a seccomp filter. See seccomp(2).
#pragma once

#include <initializer_list>

// Each of the calls returns `error`, on this thread and the threads it starts. There is no way
// back. False where the kernel has no seccomp.
[[nodiscard]] bool refuse_calls(std::initializer_list<long> calls, int error);
