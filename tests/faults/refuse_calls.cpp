// See refuse_calls.hpp.
#include "refuse_calls.hpp"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>

#include <cstddef>
#include <cstdint>
#include <vector>

namespace {

// BPF_STMT and BPF_JUMP of the kernel are C.
sock_filter statement(unsigned code, std::uint32_t operand) {
  return {.code = static_cast<std::uint16_t>(code), .jt = 0, .jf = 0, .k = operand};
}

sock_filter skip_unless_equal(std::uint32_t operand) {
  return {.code = BPF_JMP | BPF_JEQ | BPF_K, .jt = 0, .jf = 1, .k = operand};
}

}  // namespace

bool refuse_calls(std::initializer_list<long> calls, int error) {
  std::vector<sock_filter> steps;
  steps.push_back(statement(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)));
  for (long const call : calls) {
    steps.push_back(skip_unless_equal(static_cast<std::uint32_t>(call)));
    steps.push_back(statement(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | static_cast<unsigned>(error)));
  }
  steps.push_back(statement(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  sock_fprog const program{.len = static_cast<std::uint16_t>(steps.size()), .filter = steps.data()};
  return ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}
