// See description.hpp.
#include "support/description.hpp"

#include <sys/utsname.h>

#include <fstream>
#include <thread>

#include <fmt/format.h>

namespace bench {

namespace {

std::string processor() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);)
    if (line.starts_with("model name")) return line.substr(line.find(':') + 2);
  return "unknown processor";
}

}  // namespace

description describe_run(int argc, char** argv, description const& more) {
  utsname system{};
  ::uname(&system);
  std::string command = argv[0];
  for (int i = 1; i < argc; ++i) command += fmt::format(" {}", argv[i]);

  description run{
      {"machine", fmt::format("{}, {} cores", processor(), std::thread::hardware_concurrency())},
      {"kernel", fmt::format("{} {}", system.sysname, system.release)},
      {"compiler", __VERSION__},
  };
  run.insert(run.end(), more.begin(), more.end());
  run.emplace_back("command", command);
  return run;
}

void print(description const& run) {
  for (auto const& [key, value] : run) fmt::print("{:<10}{}\n", key, value);
}

}  // namespace bench
