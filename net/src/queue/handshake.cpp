// See handshake.hpp.
#include "queue/handshake.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>
#include <memory>
#include <stdexcept>

#include "weft/error.hpp"
#include "weft/net/queue/error.hpp"

namespace weft::inline v0::detail {

namespace {

constexpr std::string_view magic = "weftq/1\n";

std::span<std::byte const> bytes_of(std::string_view text) noexcept {
  return std::as_bytes(std::span(text));
}

digest random_digest() {
  digest random{};
  // So few bytes come whole, once the kernel has any at all (getrandom(2)).
  if (::getrandom(random.data(), random.size(), 0) != static_cast<ssize_t>(random.size()))
    throw_system_error(errno, "getrandom");
  return random;
}

using mac = std::unique_ptr<EVP_MAC, decltype([](EVP_MAC* of) { ::EVP_MAC_free(of); })>;

unsigned char const* pointer(std::span<std::byte const> to) noexcept {
  return reinterpret_cast<unsigned char const*>(to.data());
}

[[noreturn]] void throw_no_hmac() {
  throw std::runtime_error("weft: OpenSSL does not compute HMAC-SHA-256 here");
}

}  // namespace

void keyed_hmac::context_deleter::operator()(EVP_MAC_CTX* context) const noexcept {
  ::EVP_MAC_CTX_free(context);
}

keyed_hmac::keyed_hmac(std::span<std::byte const> key) {
  static mac const hmac(::EVP_MAC_fetch(nullptr, "HMAC", nullptr));
  context_.reset(hmac ? ::EVP_MAC_CTX_new(hmac.get()) : nullptr);
  char name[] = "SHA256";
  OSSL_PARAM const settings[] = {::OSSL_PARAM_construct_utf8_string("digest", name, 0),
                                 ::OSSL_PARAM_construct_end()};
  if (!context_ || ::EVP_MAC_init(context_.get(), pointer(key), key.size(), settings) != 1)
    throw_no_hmac();
}

digest keyed_hmac::of(std::initializer_list<std::span<std::byte const>> parts) {
  bool works = ::EVP_MAC_init(context_.get(), nullptr, 0, nullptr) == 1;  // with the same key
  for (auto const part : parts)
    works = works && ::EVP_MAC_update(context_.get(), pointer(part), part.size()) == 1;
  digest made{};
  std::size_t size = 0;
  works = works && ::EVP_MAC_final(context_.get(), reinterpret_cast<unsigned char*>(made.data()),
                                   &size, made.size()) == 1;
  if (!works || size != made.size()) throw_no_hmac();
  return made;
}

bool are_equal(std::span<std::byte const> one, std::span<std::byte const> other) noexcept {
  return one.size() == other.size() && ::CRYPTO_memcmp(one.data(), other.data(), one.size()) == 0;
}

handshake::handshake(std::string_view key) : key_(key) {
  if (key.empty())
    throw std::invalid_argument("weft: the key of a queue is empty, which everybody could guess");
}

handshake::~handshake() { ::OPENSSL_cleanse(key_.data(), key_.size()); }

digest handshake::signed_as(std::string_view role) const {
  return hmac_of(bytes_of(key_), {bytes_of("weftq/1 "), bytes_of(role), servers_, clients_});
}

session_keys handshake::keys() const {
  return {.to_server = signed_as("to server"), .to_client = signed_as("to client")};
}

server_handshake::server_handshake(std::string_view key) : handshake(key) {
  servers_ = random_digest();
}

std::array<std::byte, handshake::hello_bytes> server_handshake::hello() const {
  std::array<std::byte, hello_bytes> said{};
  std::ranges::copy(servers_, std::ranges::copy(bytes_of(magic), said.begin()).out);
  return said;
}

bool server_handshake::verify(std::span<std::byte const, answer_bytes> answer) {
  std::ranges::copy(answer.first<digest_bytes>(), clients_.begin());
  return are_equal(answer.last<digest_bytes>(), signed_as("client"));
}

std::array<std::byte, handshake::verdict_bytes> server_handshake::acceptance() const {
  std::array<std::byte, verdict_bytes> said{std::byte{1}};
  std::ranges::copy(signed_as("server"), said.begin() + 1);
  return said;
}

client_handshake::client_handshake(std::string_view key) : handshake(key) {
  clients_ = random_digest();
}

std::array<std::byte, handshake::answer_bytes> client_handshake::answer(
    std::span<std::byte const, hello_bytes> hello) {
  if (!std::ranges::equal(hello.first<magic.size()>(), bytes_of(magic)))
    throw net::authentication_error("weft: what answers there is no queue server");
  std::ranges::copy(hello.last<digest_bytes>(), servers_.begin());
  std::array<std::byte, answer_bytes> said{};
  std::ranges::copy(signed_as("client"), std::ranges::copy(clients_, said.begin()).out);
  return said;
}

void client_handshake::confirm(std::span<std::byte const, verdict_bytes> verdict) const {
  if (verdict[0] != std::byte{1})
    throw net::authentication_error("weft: the queue server refuses the key");
  if (!are_equal(verdict.last<digest_bytes>(), signed_as("server")))
    throw net::authentication_error("weft: the queue server has not got the key itself");
}

}  // namespace weft::inline v0::detail
