// Reads with io_uring alone, as few calls as can be: ring ROW DEPTH DIRECTORY
#include <fcntl.h>
#include <liburing.h>

#include <cstdlib>
#include <vector>

#include "support/stopwatch.hpp"
#include "work.hpp"

namespace {

void require(bool holds) {
  if (!holds) std::exit(1);
}

void read_pages(files::work const& of, int flags) {
  int const data = ::open(of.data().c_str(), O_RDONLY | flags);
  io_uring ring{};
  io_uring_params params{};
  params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN;
  require(::io_uring_queue_init_params(256, &ring, &params) == 0);
  ::io_uring_register_ring_fd(&ring);
  std::vector<void*> buffers(of.depth);
  for (auto& buffer : buffers) buffer = std::aligned_alloc(files::page_bytes, files::page_bytes);
  files::random_pages pages;
  auto const read_into = [&](std::uint64_t buffer) {
    io_uring_sqe* const entry = ::io_uring_get_sqe(&ring);
    ::io_uring_prep_read(entry, data, buffers[buffer], files::page_bytes, pages.next());
    entry->user_data = buffer;
  };
  for (std::uint64_t i = 0; i < of.depth; ++i) read_into(i);
  bench::stopwatch watch;
  std::size_t done = 0;
  constexpr std::size_t turn = 256;
  for (;;) {
    require(::io_uring_submit_and_wait(&ring, 1) >= 0);
    io_uring_cqe* completion = nullptr;
    unsigned head = 0;
    unsigned count = 0;
    io_uring_for_each_cqe(&ring, head, completion) {
      require(completion->res == static_cast<int>(files::page_bytes));
      read_into(completion->user_data);
      ++count;
      if (++done % turn == 0 && !watch.goes_on(turn)) return watch.print();
    }
    ::io_uring_cq_advance(&ring, count);
  }
}

}  // namespace

int main(int argc, char** argv) {
  files::work const of(argc, argv);
  read_pages(of, of.row == "direct" ? O_DIRECT : 0);
}
