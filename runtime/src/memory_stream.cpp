// Streams in memory: a ring of bytes for each direction, and two events that say what can be done.
#include "weft/memory_stream.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "weft/error.hpp"
#include "weft/event.hpp"

namespace weft::inline v0 {

namespace detail {

class byte_pipe {
 public:
  explicit byte_pipe(std::size_t capacity)
      : memory_(std::make_unique_for_overwrite<std::byte[]>(capacity)), capacity_(capacity) {
    update();
  }

  // What cannot go on any more: no byte follows, nobody reads.
  void end_writing() noexcept {
    has_writer_ = false;
    update();
  }
  void end_reading() noexcept {
    has_reader_ = false;
    update();
  }

  [[nodiscard]] bool has_writer() const noexcept { return has_writer_; }
  [[nodiscard]] bool has_reader() const noexcept { return has_reader_; }

  std::size_t take(std::span<std::byte> into) noexcept {
    std::size_t const count = std::min(into.size(), size_);
    std::size_t const at_end = std::min(count, capacity_ - first_);
    std::memcpy(into.data(), memory_.get() + first_, at_end);
    std::memcpy(into.data() + at_end, memory_.get(), count - at_end);
    first_ = (first_ + count) % capacity_;
    size_ -= count;
    update();
    return count;
  }

  std::size_t put(std::span<std::byte const> bytes) noexcept {
    std::size_t const count = std::min(bytes.size(), capacity_ - size_);
    std::size_t const end = (first_ + size_) % capacity_;
    std::size_t const at_end = std::min(count, capacity_ - end);
    std::memcpy(memory_.get() + end, bytes.data(), at_end);
    std::memcpy(memory_.get(), bytes.data() + at_end, count - at_end);
    size_ += count;
    update();
    return count;
  }

  event readable;  // there are bytes, or there never will be
  event writable;  // there is room, or there is no use in any
  bool is_read = false;
  bool is_written = false;

 private:
  static void set_to(event& changed, bool wanted) noexcept {
    if (wanted)
      changed.set();
    else
      changed.reset();
  }

  void update() noexcept {
    set_to(readable, size_ != 0 || !has_writer_ || !has_reader_);
    set_to(writable, size_ != capacity_ || !has_writer_ || !has_reader_);
  }

  std::unique_ptr<std::byte[]> memory_;
  std::size_t capacity_;
  std::size_t first_ = 0;
  std::size_t size_ = 0;
  bool has_writer_ = true;
  bool has_reader_ = true;
};

namespace {

// One at a time.
class turn {
 public:
  turn(bool& taken, char const* complaint) : taken_(taken) {
    if (std::exchange(taken, true)) throw std::logic_error(complaint);
  }
  turn(turn const&) = delete;
  turn& operator=(turn const&) = delete;
  ~turn() { taken_ = false; }

 private:
  bool& taken_;
};

task<std::size_t> read_from(std::shared_ptr<byte_pipe> pipe, std::span<std::byte> buffer) {
  turn const mine(pipe->is_read, "weft: two reads at once on a memory_stream");
  if (buffer.empty()) co_return 0;
  co_await pipe->readable.wait();
  if (!pipe->has_reader()) throw_system_error(ECANCELED, "read a memory_stream");
  co_return pipe->take(buffer);
}

task<std::size_t> write_to(std::shared_ptr<byte_pipe> pipe, std::span<std::byte const> bytes) {
  turn const mine(pipe->is_written, "weft: two writes at once on a memory_stream");
  if (bytes.empty()) co_return 0;
  bool const had_writer = pipe->has_writer();
  co_await pipe->writable.wait();
  if (!pipe->has_writer())
    throw_system_error(had_writer ? ECANCELED : EPIPE, "write a memory_stream");
  if (!pipe->has_reader()) throw_system_error(EPIPE, "write a memory_stream");
  co_return pipe->put(bytes);
}

}  // namespace
}  // namespace detail

memory_stream& memory_stream::operator=(memory_stream&& other) noexcept {
  if (this != &other) {
    close();
    in_ = std::move(other.in_);
    out_ = std::move(other.out_);
  }
  return *this;
}

task<std::size_t> memory_stream::read_some(std::span<std::byte> buffer) {
  return detail::read_from(in_, buffer);
}

task<std::size_t> memory_stream::write_some(std::span<std::byte const> bytes) {
  return detail::write_to(out_, bytes);
}

void memory_stream::shutdown_write() noexcept { out_->end_writing(); }

void memory_stream::close() noexcept {
  if (!in_) return;
  std::exchange(in_, nullptr)->end_reading();
  std::exchange(out_, nullptr)->end_writing();
}

std::pair<memory_stream, memory_stream> pipe(std::size_t capacity_bytes) {
  if (capacity_bytes == 0) throw std::invalid_argument("weft: a pipe with a capacity of 0 bytes");
  std::pair<memory_stream, memory_stream> ends;
  ends.first.in_ = ends.second.out_ = std::make_shared<detail::byte_pipe>(capacity_bytes);
  ends.first.out_ = ends.second.in_ = std::make_shared<detail::byte_pipe>(capacity_bytes);
  return ends;
}

}  // namespace weft::inline v0
