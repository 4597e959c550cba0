// Where a call of io_uring is refused, `run` falls back to epoll, says why, and does the work;
// asked for io_uring by name, it throws what the refusal was.
// Usage: refused_uring CALL ERROR, as in refused_uring io_uring_setup EPERM
#include <sys/syscall.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "all_kinds_of_work.hpp"
#include "open_descriptors.hpp"
#include "refuse_calls.hpp"
#include "require.hpp"

namespace {

std::map<std::string, long> const calls = {
    {"io_uring_setup", SYS_io_uring_setup},
    {"io_uring_enter", SYS_io_uring_enter},
    {"io_uring_register", SYS_io_uring_register},
};
std::map<std::string, int> const errors = {
    {"EPERM", EPERM},   {"EACCES", EACCES}, {"ENOSYS", ENOSYS}, {"ENOMEM", ENOMEM},
    {"EMFILE", EMFILE}, {"EINVAL", EINVAL}, {"EAGAIN", EAGAIN},
};

weft::task<> work_on_epoll(std::string const& call, int error) {
  require_says(weft::this_loop::backend_name(), "epoll");
  require_says(weft::this_loop::backend_reason(), call);
  require_says(weft::this_loop::backend_reason(), std::strerror(error));
  co_await all_kinds_of_work();
}

std::vector<std::string> messages;

void keep_message(weft::log_level, std::string_view message) noexcept {
  messages.emplace_back(message);
}

weft::task<> do_nothing() { co_return; }

void insist_on_uring(std::string const& call, int error) {
  ::setenv("WEFT_BACKEND", "uring", 1);
  try {
    weft::run(do_nothing());
  } catch (std::system_error const& refused) {
    require(refused.code().value() == error, fmt::format("the error is \"{}\"", refused.what()));
    return require_says(refused.what(), call);
  }
  require(false, "run began without the backend that was asked for");
}

}  // namespace

int main(int count, char** arguments) {
  try {
    require(count == 3, "usage: refused_uring CALL ERROR");
    std::string const call = arguments[1];
    int const error = errors.at(arguments[2]);
    auto const before = open_descriptors();
    if (!refuse_calls({calls.at(call)}, error)) return 77;
    ::unsetenv("WEFT_BACKEND");
    weft::set_log_hook(keep_message);
    weft::run(work_on_epoll(call, error));
    weft::run(work_on_epoll(call, error));
    require(messages.size() == 1, fmt::format("it is said once, not {} times", messages.size()));
    require_says(messages[0], call);
    insist_on_uring(call, error);
    require(open_descriptors() == before, "a descriptor is left open");
  } catch (std::exception const& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
