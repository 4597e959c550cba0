// BIND's nslookup, which judges ours: the same arguments and input must give the same output and
// the same exit code.
#pragma once

#include <unistd.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <doctest/doctest.h>

#include "examples/dns_programs.hpp"
#include "support/program.hpp"

constexpr auto bind_path = "/usr/bin/nslookup";

// Whether there is the one that ours is made after; else says that a test is skipped. BIND 9.20's
// words some messages otherwise, and aborts at some commands.
inline bool has_bind() {
  if (::access(bind_path, X_OK) != 0) {
    MESSAGE("skipped: there is no ", bind_path, " here (Debian: bind9-dnsutils)");
    return false;
  }
  auto const said = support::program(bind_path, {"-version"}).wait();
  bool const is_judge = said.out.starts_with("nslookup 9.18.");
  if (!is_judge) MESSAGE("skipped: not BIND 9.18's: ", said.out);
  return is_judge;
}

// Runs both at once, ours on each backend. `before` is a command that runs a program, the words
// before the program.
inline void check_as_bind(words const& before, words const& given, std::string_view input = {}) {
  auto const start = [&](std::string const& nslookup, words const& further) {
    words all = before;
    all.push_back(nslookup);
    all.insert(all.end(), further.begin(), further.end());
    all.insert(all.end(), given.begin(), given.end());
    auto const path = all.front();
    all.erase(all.begin());
    return std::make_unique<support::program>(path, all, input);
  };
  auto const theirs_running = start(bind_path, {});
  std::vector<std::unique_ptr<support::program>> ours_running;
  for (auto const& backend : real_backends)
    ours_running.push_back(start(support::example("nslookup"), {"--backend", backend}));

  auto const theirs = theirs_running->wait();
  std::string all;
  for (auto const& each : given) all += each + ' ';
  CAPTURE(all);
  CAPTURE(input);
  for (std::size_t i = 0; i < ours_running.size(); ++i) {
    CAPTURE(real_backends[i]);
    auto const ours = ours_running[i]->wait();
    CHECK(ours.out == theirs.out);
    CHECK(ours.code == theirs.code);
  }
}
