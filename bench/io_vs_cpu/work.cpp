// See work.hpp.
#include "work.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <fstream>
#include <new>
#include <stdexcept>
#include <thread>

#ifdef IO_VS_CPU_HAS_HASH
#include <openssl/evp.h>
#endif

#include "support/socket.hpp"

namespace io_vs_cpu {

namespace {

using bench::checked;
using bench::file_descriptor;

constexpr std::uint32_t primes_from = 1'000'000;
constexpr std::uint32_t primes_to = 1'020'000;
constexpr int primes_between = 1'472;
constexpr std::size_t hash_file_bytes_max = 65'536;

bool is_prime(std::uint32_t odd) {
  for (std::uint32_t divisor = 3; divisor * divisor <= odd; divisor += 2)
    if (odd % divisor == 0) return false;
  return true;
}

file_descriptor connected_udp(std::uint16_t port) {
  file_descriptor made(checked("socket", ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)));
  timeval const patience{.tv_sec = 5, .tv_usec = 0};
  checked("setsockopt",
          ::setsockopt(made.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience));
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(bench::loopback);
  checked("connect", ::connect(made.get(), reinterpret_cast<sockaddr const*>(&to), sizeof to));
  return made;
}

// A question for the A record of LABEL.bulk.example (RFC 1035, 4.1).
std::string question(std::uint16_t id, std::string const& label) {
  std::string text;
  text += static_cast<char>(id >> 8);
  text += static_cast<char>(id & 0xff);
  text.append("\1\0\0\1\0\0\0\0\0\0", 10);  // recursion desired, one question
  for (std::string const& part : {label, std::string("bulk"), std::string("example")}) {
    text += static_cast<char>(part.size());
    text += part;
  }
  text.append("\0\0\1\0\1", 5);
  return text;
}

}  // namespace

int count_primes() {
  int count = 0;
  for (std::uint32_t odd = primes_from + 1; odd < primes_to; odd += 2) count += is_prime(odd);
  if (count != primes_between) throw std::runtime_error("the primes are wrong");
  return count;
}

int count_many_primes() {
  int count = 0;
  for (int i = 0; i < 5; ++i) count += count_primes();
  return count;
}

std::uint64_t spin(std::uint64_t turns) {
  std::uint64_t value = turns;
  for (; turns != 0; --turns) {
    value = value * 6'364'136'223'846'793'005U + 1'442'695'040'888'963'407U;
    asm volatile("" : "+r"(value));  // each turn waits for the one before
  }
  return value;
}

void aligned_delete::operator()(std::byte* bytes) const noexcept { std::free(bytes); }

std::unique_ptr<std::byte[], aligned_delete> aligned_buffer(std::size_t bytes) {
  void* const memory = std::aligned_alloc(4'096, bytes);
  if (memory == nullptr) throw std::bad_alloc();
  return std::unique_ptr<std::byte[], aligned_delete>(static_cast<std::byte*>(memory));
}

std::size_t read_whole(std::string const& path, bool is_direct) {
  int const flags = O_RDONLY | O_CLOEXEC | (is_direct ? O_DIRECT : 0);
  file_descriptor const file(checked("open", ::open(path.c_str(), flags)));
  auto const buffer = aligned_buffer(file_bytes);
  std::size_t done = 0;
  while (done < file_bytes) {
    auto const count =
        ::pread(file.get(), buffer.get() + done, file_bytes - done, static_cast<off_t>(done));
    if (count <= 0) throw std::runtime_error("a file is not as long as it was");
    done += static_cast<std::size_t>(count);
  }
  return done;
}

int hash_text(std::string const& text) {
#ifdef IO_VS_CPU_HAS_HASH
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  if (EVP_Digest(text.data(), text.size(), hash.data(), nullptr, EVP_sha256(), nullptr) != 1)
    throw std::runtime_error("SHA-256 failed");
  return hash[0];
#else
  static_cast<void>(text);
  throw std::runtime_error("built without libcrypto");
#endif
}

int hash_file(std::string const& path) {
  file_descriptor const file(checked("open", ::open(path.c_str(), O_RDONLY | O_CLOEXEC)));
  std::string text(hash_file_bytes_max, '\0');
  std::size_t size = 0;
  for (;;) {
    if (size == text.size()) text.resize(2 * size);
    auto const count = checked(
        "read", static_cast<int>(::read(file.get(), text.data() + size, text.size() - size)));
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  text.resize(size);
  return hash_text(text);
}

std::vector<std::string> lines_of(std::string const& path) {
  std::vector<std::string> lines;
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) lines.push_back(line);
  if (lines.empty()) throw std::runtime_error("no files are listed in " + path);
  return lines;
}

std::vector<std::string> files_for(cell const& of) {
  switch (of.does) {
    case workload::cached:
    case workload::direct: return lines_of(of.files);
    case workload::hashing: return lines_of(of.tree);
    default: return {};
  }
}

client::client(cell const& of, std::vector<std::string> const& files, std::size_t number)
    : of_(&of), files_(files, number), number_(number), operations_(number) {
  if (of.does == workload::dns) socket_ = connected_udp(of.dns_port);
  if (of.does == workload::tcp || of.does == workload::mix)
    socket_ = bench::connect_to(of.tcp_port);
}

void client::operate() {
  ++operations_;
  switch (of_->does) {
    case workload::sleep: return std::this_thread::sleep_for(latency);
    case workload::dns: return ask_name();
    case workload::tcp: return ask_server();
    case workload::cached:
    case workload::direct: read_whole(files_.next(), of_->does == workload::direct); return;
    case workload::hashing: hash_file(files_.next()); return;
    case workload::primes: count_primes(); return;
    case workload::mix:
      if (operations_ % mix_period != 0) return ask_server();
      count_many_primes();
      return;
    case workload::spin: spin(of_->spin_turns); return;
  }
}

void client::ask_name() {
  auto const id = static_cast<std::uint16_t>(operations_);
  auto const asked =
      question(id, "n" + std::to_string(number_) + "-" + std::to_string(operations_));
  checked("send", static_cast<int>(::send(socket_.get(), asked.data(), asked.size(), 0)));
  std::array<char, 1'232> reply{};
  auto const size =
      checked("recv", static_cast<int>(::recv(socket_.get(), reply.data(), reply.size(), 0)));
  constexpr std::array<char, 4> address{'\xc0', '\0', '\2', '\1'};
  bool const is_right = size > static_cast<int>(asked.size()) + 4 &&
                        std::memcmp(reply.data(), asked.data(), 2) == 0 &&
                        std::memcmp(reply.data() + size - 4, address.data(), 4) == 0;
  if (!is_right) throw std::runtime_error("the name server has not answered as it must");
}

void client::ask_server() {
  std::array<std::byte, message_bytes> message{};
  checked("send", static_cast<int>(::send(socket_.get(), message.data(), message.size(), 0)));
  auto const size = ::recv(socket_.get(), message.data(), message.size(), MSG_WAITALL);
  if (size != static_cast<ssize_t>(message.size()))
    throw std::runtime_error("the server has not answered");
}

}  // namespace io_vs_cpu
