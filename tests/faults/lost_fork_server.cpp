// When the fork server is killed, the kernel kills its children, and whoever waits for one or asks
// for another is told. Nothing hangs, and the program ends as usual.
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <stdexcept>
#include <string>
#include <system_error>

#include <weft/process.hpp>
#include <weft/process_pool.hpp>
#include <weft/weft.hpp>

#include "require.hpp"

namespace {

using namespace std::chrono_literals;

pid_t parent() { return ::getppid(); }

void sleep_long() { ::sleep(60); }

template <class Exception>
weft::task<std::string> thrown_by(weft::task<> awaited) {
  try {
    co_await std::move(awaited);
  } catch (Exception const& error) {
    co_return error.what();
  }
  co_return "nothing";
}

weft::task<> run_in(weft::process_pool& pool) { co_await pool.run(sleep_long); }
weft::task<> join(weft::process& child) { co_await child.join(); }
weft::task<> start_one() { co_await weft::process::start(sleep_long); }

weft::task<> lose_server(weft::task_scope& tasks) {
  weft::process_pool pool(2);
  pid_t const server = co_await pool.run(parent);
  auto child = co_await weft::process::start(sleep_long);
  auto running = tasks.spawn(thrown_by<weft::worker_died>(run_in(pool)));
  auto joining = tasks.spawn(thrown_by<std::runtime_error>(join(child)));
  co_await weft::sleep_for(20ms);  // by when it is in its sleep, or will be killed before

  require(::kill(server, SIGKILL) == 0, "the fork server was not there");

  require_says(co_await std::move(running), "nobody knows");
  require_says(co_await std::move(joining), "nobody knows");
  require_says(co_await thrown_by<std::system_error>(run_in(pool)), "the fork server has died");
  require_says(co_await thrown_by<std::system_error>(start_one()), "the fork server has died");
  pool.close();
  co_await pool.join();
}

}  // namespace

int main() {
  try {
    weft::run(weft::scope(lose_server));
    return 0;
  } catch (std::exception const& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 1;
  }
}
