// See crew_member.hpp.
#include "crew_member.hpp"

#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <new>
#include <span>
#include <utility>
#include <vector>

#include "process_worker.hpp"
#include "socket_message.hpp"
#include "weft/error.hpp"

namespace weft::inline v0::detail {

void process_worker::memory_deleter::operator()(worker_memory* memory) const noexcept {
  ::munmap(memory, sizeof *memory);
}

process_worker::process_worker(fork_server& server, process_pool_options const& options)
    : first_since(machine_now()) {
  auto const file = descriptor::adopt(::memfd_create("weft-worker", MFD_CLOEXEC));
  if (!file) throw_system_error(errno, "memfd_create for a worker");
  if (::ftruncate(file.get(), sizeof(worker_memory)) != 0)
    throw_system_error(errno, "ftruncate for a worker");
  void* const at =
      ::mmap(nullptr, sizeof(worker_memory), PROT_READ | PROT_WRITE, MAP_SHARED, file.get(), 0);
  if (at == MAP_FAILED) throw_system_error(errno, "mmap for a worker");
  memory_.reset(new (at) worker_memory);

  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends.data()) != 0)
    throw_system_error(errno, "socketpair for a worker");
  socket_ = descriptor::adopt(ends[0]);
  auto const other_end = descriptor::adopt(ends[1]);

  worker_start const start{.initializer = options.initializer,
                           .memory_limit = options.memory_limit};
  std::array<int, 2> const descriptors{file.get(), other_end.get()};
  child_ = server.start({.entry = &work_for_pool,
                         .function = nullptr,
                         .arguments = std::as_bytes(std::span(&start, 1)),
                         .descriptors = descriptors});
}

bool process_worker::send(worker_message const& about, int fd) const noexcept {
  // Any other error is that of a worker that has ended, which is found out elsewhere.
  return send_message(socket_.get(), std::as_bytes(std::span(&about, 1)), {}, std::span(&fd, 1),
                      MSG_DONTWAIT) != EAGAIN;
}

descriptor process_worker::take_file(std::uint32_t number) {
  auto const wanted = static_cast<std::uint32_t>(number % slot_count);
  for (;;) {
    if (auto const found = files_.find(wanted); found != files_.end()) {
      auto file = std::move(found->second);
      files_.erase(found);
      return file;
    }
    worker_message about{};
    std::vector<int> descriptors;
    auto const received = receive_message(
        socket_.get(), std::as_writable_bytes(std::span(&about, 1)), descriptors, MSG_DONTWAIT);
    if (received.size < 0) throw_system_error(received.error, "receive a result");
    if (descriptors.empty()) throw_system_error(EMFILE, "receive a result");
    files_[about.number] = descriptor::adopt(descriptors.front());
  }
}

}  // namespace weft::inline v0::detail
