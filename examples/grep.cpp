// grep: the lines that contain a text, in files and in all that is below directories:
//
//   grep size_t src include
//
// It prints what `grep -rF` prints; the files come in the order in which they were searched. Files
// are read on the loop, many at a time. The searching is work for a processor: it is done where
// --executor says, on the loop, on threads or in processes, and nothing else in here knows where.
// Of a file with a NUL byte, which is no text, it is only told that it matches. The exit code is 0
// if there were lines, 1 if there were none, 2 if something could not be read.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <weft/process_pool.hpp>
#include <weft/weft.hpp>

#include "command_line.hpp"

namespace fs = weft::fs;

namespace {

enum class kind : std::uint8_t { text, binary };

// The job: the lines of the text that match, as they are printed. It takes and yields values, so it
// can be done anywhere.
std::pair<kind, std::string> lines_that_match(std::string const& text, std::string const& pattern,
                                              std::string const& path, bool is_numbered) {
  std::string_view const all = text;
  std::string lines;
  std::size_t number = 1;
  std::size_t counted_to = 0;  // where line `number` begins
  std::size_t at = all.find(pattern);
  if (at < all.size() && all.find('\0') != all.npos) return {kind::binary, {}};
  for (; at < all.size(); at = all.find(pattern, at)) {
    std::size_t const begin = at == 0 ? 0 : all.rfind('\n', at - 1) + 1;
    std::size_t const end = std::min(all.find('\n', at), all.size());
    lines += path;
    lines += ':';
    if (is_numbered) {
      number += static_cast<std::size_t>(
          std::ranges::count(all.substr(counted_to, begin - counted_to), '\n'));
      counted_to = begin;
      lines += fmt::format("{}:", number);
    }
    lines += all.substr(begin, end - begin);
    lines += '\n';
    at = end + 1;
  }
  return {kind::text, std::move(lines)};
}

struct arguments {
  std::string pattern;
  std::vector<std::string> paths;
  bool is_numbered = false;
  std::string executor = "threads";
  std::size_t workers = weft::usable_processors();
  std::size_t concurrency = 32;
  weft::backend_kind backend = weft::backend_kind::automatic;
};

template <weft::executor Executor>
class search {
 public:
  search(arguments const& given, Executor& searchers)
      : given_(given), searchers_(searchers), slots_(given.concurrency) {}

  // Yields the exit code.
  weft::task<int> run() {
    co_await weft::scope([this](weft::task_scope& tasks) -> weft::task<> {
      for (auto const& path : given_.paths) co_await search_below(path, tasks);
    });
    if (has_failed_) co_return 2;
    co_return has_matched_ ? 0 : 1;
  }

 private:
  weft::task<> search_below(std::string path, weft::task_scope& tasks) {
    try {
      auto const status = co_await fs::stat(path);
      if (!status.is_directory()) {
        co_await begin(path, tasks);
        co_return;
      }
    } catch (std::system_error const& error) {
      tell(path, error);
      co_return;
    }
    auto walk = fs::walk(path, {.on_error = [&](auto const& error) { tell(path, error); }});
    while (auto const entry = co_await walk.next())
      if (entry->type == weft::file_type::regular) co_await begin(entry->path, tasks);
  }

  // No more files are in memory at a time than there are slots.
  weft::task<> begin(std::string path, weft::task_scope& tasks) {
    auto slot = co_await slots_.acquire();
    tasks.spawn(search_file(std::move(path), std::move(slot)));
  }

  weft::task<> search_file(std::string path, weft::permit) {
    std::string text;
    try {
      text = co_await fs::read_file(path);
    } catch (std::system_error const& error) {
      tell(path, error);
      co_return;
    }
    auto const found = co_await searchers_.run(lines_that_match, std::move(text), given_.pattern,
                                               path, given_.is_numbered);
    if (found.first == kind::binary) {
      has_matched_ = true;
      fmt::print(stderr, "grep: {}: binary file matches\n", path);
    } else if (!found.second.empty()) {
      has_matched_ = true;
      auto const turn = co_await writing_.lock();  // the lines of a file stay together
      co_await weft::write_all(out_, std::as_bytes(std::span(found.second)));
    }
  }

  void tell(std::string const& path, std::system_error const& error) {
    has_failed_ = true;
    fmt::print(stderr, "grep: {}: {}\n", path, error.code().message());
  }

  arguments const& given_;
  Executor& searchers_;
  weft::semaphore slots_;
  weft::terminal::output out_;
  weft::mutex writing_;
  bool has_matched_ = false;
  bool has_failed_ = false;
};

template <weft::executor Executor>
weft::task<int> search_with(Executor& searchers, arguments const& given) {
  search<Executor> all(given, searchers);
  co_return co_await all.run();
}

weft::task<int> choose_and_search(arguments const& given) {
  if (given.executor == "threads") {
    weft::thread_pool pool(given.workers);
    co_return co_await search_with(pool, given);
  }
  if (given.executor == "processes") {
    weft::process_pool pool(given.workers);
    co_return co_await search_with(pool, given);
  }
  weft::inline_executor here;
  co_return co_await search_with(here, given);
}

weft::task<int> grep(arguments const& given) {
  try {
    auto const code = co_await weft::until_stop(choose_and_search(given));
    co_return code.value_or(2);
  } catch (std::exception const& error) {  // the output is gone, a worker cannot be had
    fmt::print(stderr, "grep: {}\n", error.what());
    co_return 2;
  }
}

}  // namespace

int main(int count, char** values) {
  arguments given;
  command_line line("Prints the lines that contain a text.", "grep");
  line.add_argument("PATTERN", given.pattern, "the text",
                    must_be("a text of one line", [](std::string const& value) {
                      return value.find('\n') == value.npos;
                    }));
  line.add_argument("PATH", given.paths, "files and directories");
  line.add_flag("-n,--line-number", given.is_numbered, "the number of each line, too");
  line.add_option("--executor", given.executor,
                  "where to search: inline, threads or processes (threads)", must_be_an_executor());
  line.add_option("--workers", given.workers, "threads or processes (one a processor)",
                  must_be_between(1, 1'000));
  line.add_option("--concurrency", given.concurrency, "files at a time (32)",
                  must_be_between(1, 10'000));
  line.add_backend_option(given.backend);
  if (auto const code = line.parse(count, values)) return *code;
  return weft::run_main(grep(given), {.backend = given.backend});
}
