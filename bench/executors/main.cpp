// Compares what it takes to have work done elsewhere: Weft's executors and processes, Asio, libuv,
// Python, and the system itself.
//   executors [--rounds N] [--only ROW] [--json FILE]
#include <string>
#include <utility>
#include <vector>

#include "support/contest.hpp"

namespace {

std::vector<bench::contest> all_rows(std::string const& python_file) {
  auto const here = bench::program_directory();
  auto const weft = here + "/executors-weft ";
  auto const asio = here + "/executors-asio ";
  auto const libuv = here + "/executors-libuv ";
  auto const system = here + "/executors-system ";
  auto const python = "python3 " + python_file + " ";
  std::vector<bench::contest> rows;
  for (auto const& [name, what] : {std::pair("one", "a job there and back, one at a time"),
                                   std::pair("many", "a job, 1,000 at a time")}) {
    std::string const job = name;
    rows.push_back({job,
                    what,
                    {{"weft inline", weft + job + " inline"},
                     {"weft threads", weft + job + " threads"},
                     {"asio threads", asio + job},
                     {"libuv threads", libuv + job},
                     {"asyncio threads", python + job + " threads"},
                     {"weft processes", weft + job + " processes"},
                     {"multiprocessing", python + job + " pool"},
                     {"asyncio processes", python + job + " processes"}}});
  }
  for (auto const& [size, text] :
       {std::pair("0", "0 B"), std::pair("1024", "1 KiB"), std::pair("65536", "64 KiB"),
        std::pair("1048576", "1 MiB"), std::pair("16777216", "16 MiB")})
    rows.push_back({std::string("payload-") + size,
                    std::string(text) + " to a process and back",
                    {{"weft processes", weft + "payload processes " + size},
                     {"weft threads", weft + "payload threads " + size},
                     {"multiprocessing", python + "payload pool " + size}}});
  rows.push_back({"map",
                  "an item of a map over a million",
                  {{"weft threads", weft + "map threads"},
                   {"weft processes", weft + "map processes"},
                   {"weft inline", weft + "map inline"},
                   {"multiprocessing", python + "map pool"}}});
  rows.push_back({"spawn",
                  "spawn and wait of /bin/true",
                  {{"weft command", weft + "spawn -"},
                   {"posix_spawn", system + "spawn"},
                   {"libuv", libuv + "spawn"},
                   {"subprocess", python + "spawn -"}}});
  rows.push_back({"start",
                  "a function in a process, start and join",
                  {{"weft process", weft + "start -"},
                   {"fork and wait", system + "start"},
                   {"multiprocessing", python + "start -"}}});
  rows.push_back({"queue",
                  "a value through a queue between processes",
                  {{"weft put", weft + "queue put"},
                   {"weft put_all", weft + "queue put_all"},
                   {"multiprocessing", python + "queue -"}}});
  return rows;
}

}  // namespace

int main(int argc, char** argv) {
  return bench::run_contests(argc, argv, "Compares what it takes to have work done elsewhere",
                             all_rows(EXECUTORS_PYTHON));
}
