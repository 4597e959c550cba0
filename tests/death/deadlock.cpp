// Two tasks that wait for each other: `run` logs what each of them waits for and where, ends them,
// and throws weft::deadlock.
#include <weft/weft.hpp>

#include <cstdio>
#include <source_location>
#include <string>

#include <fmt/format.h>

namespace {

std::string logged;

void keep(weft::log_level level, std::string_view message) noexcept {
  if (level == weft::log_level::error) logged += message;
}

unsigned line_of_wait = 0;

weft::task<> answer(weft::event& asked, weft::event& answered) {
  weft::name_this_task("the one who answers");
  line_of_wait = std::source_location::current().line() + 1;
  co_await asked.wait();
  answered.set();
}

weft::task<> app() {
  weft::event asked;
  weft::event answered;
  co_await weft::scope([&](weft::task_scope& tasks) -> weft::task<> {
    tasks.spawn(answer(asked, answered));
    co_await answered.wait();
    asked.set();
  });
}

bool said(std::string const& text) {
  if (logged.find(text) != std::string::npos) return true;
  std::fprintf(stderr, "the log does not say \"%s\":\n%s\n", text.c_str(), logged.c_str());
  return false;
}

}  // namespace

int main() {
  weft::set_log_hook(keep);
  try {
    weft::run(app());
    std::fputs("the deadlock was not noticed\n", stderr);
    return 1;
  } catch (weft::deadlock const&) {
    bool const complete = said("the one who answers: waiting") && said("for event, spawned at ") &&
                          said(fmt::format("death/deadlock.cpp:{} in ", line_of_wait));
    return complete ? 0 : 1;
  }
}
