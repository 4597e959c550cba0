// Reads with libuv: libuv ROW DEPTH DIRECTORY
#include <fcntl.h>
#include <uv.h>

#include <cstdlib>
#include <vector>

#include "support/stopwatch.hpp"
#include "work.hpp"

namespace {

struct reading {
  uv_fs_t request;
  uv_buf_t buffer;
};

uv_file data;
bench::stopwatch watch;
files::random_pages pages;
std::size_t done = 0;
bool ended = false;

void read_next(reading& of);

void has_read(uv_fs_t* request) {
  if (request->result != static_cast<ssize_t>(files::page_bytes)) std::exit(1);
  uv_fs_req_cleanup(request);
  constexpr std::size_t turn = 256;
  if (++done % turn == 0 && !watch.goes_on(turn)) ended = true;
  if (!ended) read_next(*static_cast<reading*>(request->data));
}

void read_next(reading& of) {
  of.request.data = &of;
  uv_fs_read(uv_default_loop(), &of.request, data, &of.buffer, 1,
             static_cast<std::int64_t>(pages.next()), has_read);
}

}  // namespace

int main(int argc, char** argv) {
  files::work const of(argc, argv);
  uv_fs_t opening;
  int const flags = of.row == "direct" ? O_RDONLY | O_DIRECT : O_RDONLY;
  data = uv_fs_open(uv_default_loop(), &opening, of.data().c_str(), flags, 0, nullptr);
  std::vector<reading> readings(of.depth);
  for (auto& each : readings) {
    auto* const memory = std::aligned_alloc(files::page_bytes, files::page_bytes);
    each.buffer = uv_buf_init(static_cast<char*>(memory), files::page_bytes);
    read_next(each);
  }
  uv_run(uv_default_loop(), UV_RUN_DEFAULT);
  watch.print();
}
