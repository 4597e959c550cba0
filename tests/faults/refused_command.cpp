// Where no process can be started, a command throws std::system_error and the loop goes on; where a
// sandbox knows no close_range, the child inherits no more descriptors than elsewhere.
// Usage: refused_command start | close_range
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <string>
#include <string_view>
#include <system_error>

#include <weft/weft.hpp>

#include "open_descriptors.hpp"
#include "refuse_calls.hpp"
#include "require.hpp"

namespace {

weft::task<bool> without_processes() {
  if (!refuse_calls({SYS_clone, SYS_clone3, SYS_vfork}, EAGAIN)) co_return false;
  auto const before = open_descriptors();
  for (int i = 0; i < 3; ++i) {
    std::error_code code;
    std::string text;
    try {
      co_await weft::command("true").output();
    } catch (std::system_error const& error) {
      code = error.code();
      text = error.what();
    }
    require(code == std::errc::resource_unavailable_try_again, "the command did not throw EAGAIN");
    require_says(text, "run true: ");
  }
  require(open_descriptors() == before, "a descriptor is left");
  co_return true;
}

weft::task<bool> without_close_range() {
  // Not close-on-exec, as other libraries have it, and higher than any that the shell opens.
  auto const open = weft::descriptor::adopt(::fcntl(STDERR_FILENO, F_DUPFD, 20));
  if (!refuse_calls({SYS_close_range}, ENOSYS)) co_return false;
  auto const got = co_await weft::command("sh", "-c", "echo /proc/$$/fd/*").output();
  require_says(got.out, "/fd/2");
  require(got.out.find("/fd/" + std::to_string(open.get())) == got.out.npos,
          "the child has what it should not have: " + got.out);
  co_return true;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    bool const start = count == 2 && arguments[1] == std::string_view("start");
    return weft::run(start ? without_processes() : without_close_range()) ? 0 : 77;
  } catch (std::exception const& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
