// What a resolver is told: which servers, how patiently, and what to do with short names.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "weft/detail/compiler.hpp"
#include "weft/net/dns/type.hpp"
#include "weft/net/endpoint.hpp"

namespace weft::inline v0::net::dns {

struct resolver_options {
  // Asked in this order, each when those before have failed. None: 127.0.0.1:53.
  std::vector<endpoint> servers = {};

  // What is put behind names that have no dot at the end. Names with at least `ndots` dots are
  // tried as they are first, others last.
  std::vector<std::string> search = {};
  int ndots = 1;

  // How long to wait for each answer, and how often to go through the servers.
  std::chrono::nanoseconds timeout = std::chrono::seconds(5);
  int attempts = 2;
  bool rotate = false;  // begin with another server each time

  bool use_tcp = false;            // else only for answers that do not fit into a datagram
  std::uint16_t edns_size = 1232;  // the largest datagram to ask for (RFC 9715); 0: no EDNS

  // How many answers to keep, and how many bytes of memory for them; the least recently used go
  // first. 0: no cache.
  std::size_t cache_size = 10'000;
  std::size_t cache_bytes = 32 << 20;

  // The options in the text of a resolv.conf(5): nameserver, search, domain, and the options ndots,
  // timeout, attempts, rotate, use-vc and edns0 (which is on anyway). What else it says, or what it
  // says wrongly, is skipped, as glibc does; so are its limits: 15 dots, 30 s, 5 attempts.
  WEFT_API static resolver_options parse(std::string_view text, std::uint16_t port = 53);

  // Those of a file. Reads it at once, which blocks the loop as long as the file system takes.
  // Throws std::system_error.
  WEFT_API static resolver_options from_file(std::string const& path, std::uint16_t port = 53);

  // Those of this machine: /etc/resolv.conf, or its own server if there is no such file.
  WEFT_API static resolver_options system();
};

struct query_options {
  dns::record_class record_class = dns::record_class::in;
  bool search = true;      // as resolver_options say; false: the name is meant as it is
  bool recurse = true;     // the RD bit
  bool dnssec_ok = false;  // ask for signatures too (the DO bit)
  bool use_cache = true;   // else ask anew, and leave what comes in the cache
};

struct exchange_options {
  std::chrono::nanoseconds timeout = std::chrono::seconds(5);  // for datagram and TCP each
  bool use_tcp = false;
  bool tcp_on_truncation = true;  // ask again over TCP when an answer has the TC bit
};

}  // namespace weft::inline v0::net::dns
