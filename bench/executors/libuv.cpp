// The rows of libuv: libuv ROW
#include <uv.h>

#include <cstdlib>
#include <string_view>
#include <vector>

#include "sizes.hpp"
#include "support/stopwatch.hpp"

namespace {

using bench::stopwatch;

int value = 0;
void work(uv_work_t* /*request*/) {}
void done(uv_work_t* /*request*/, int status) { value += status; }

void jobs(uv_loop_t* loop, std::size_t at_once) {
  stopwatch watch;
  std::vector<uv_work_t> requests(at_once);
  while (watch.goes_on(at_once)) {
    for (auto& request : requests) uv_queue_work(loop, &request, work, done);
    uv_run(loop, UV_RUN_DEFAULT);
  }
  watch.print();
}

void ended(uv_process_t* process, int64_t /*code*/, int /*signal*/) {
  uv_close(reinterpret_cast<uv_handle_t*>(process), nullptr);
}

void spawn(uv_loop_t* loop) {
  stopwatch watch;
  char program[] = "/bin/true";
  char* arguments[] = {program, nullptr};
  while (watch.goes_on(1)) {
    uv_process_t process{};
    uv_process_options_t options{};
    options.file = program;
    options.args = arguments;
    options.exit_cb = ended;
    if (uv_spawn(loop, &process, &options) != 0) std::exit(1);
    uv_run(loop, UV_RUN_DEFAULT);
  }
  watch.print();
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  std::string_view const row = argv[1];
  uv_loop_t* const loop = uv_default_loop();
  if (row == "spawn")
    spawn(loop);
  else
    jobs(loop, row == "one" ? 1 : executors::jobs_at_once);
  return value == 0 ? 0 : 1;
}
