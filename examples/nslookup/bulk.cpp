#include "nslookup/bulk.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <map>
#include <optional>
#include <span>
#include <string_view>

#include <fmt/format.h>
#include <weft/weft.hpp>

#include "nslookup/json.hpp"
#include "nslookup/lookup.hpp"
#include "progress.hpp"

using namespace std::chrono_literals;

namespace nslookup {

namespace {

// Empty for standard input.
weft::descriptor open_names(std::string const& path) {
  if (path == "-") return {};
  int const fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw fatal_error(fmt::format("{}: {}", path, std::strerror(errno)), 1);
  return weft::descriptor::adopt(fd);
}

// How many bytes there will be to read; 0 when that cannot be known.
std::uint64_t size_of(int fd) {
  struct stat status{};
  bool const is_file = ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
  return is_file ? static_cast<std::uint64_t>(status.st_size) : 0;
}

class bulk_run {
 public:
  bulk_run(settings const& given, dns::resolver& resolver, bulk_options const& options)
      : given_(given),
        resolver_(resolver),
        options_(options),
        file_(open_names(options.path)),
        permits_(options.concurrency),
        size_bytes_(size_of(names_fd())) {}

  weft::task<int> run() {
    begin_ = weft::now();
    bool const completed = co_await weft::until_stop([this] { return ask_all(); });
    co_await out_.flush();
    print_summary();
    if (!complaint_.empty()) throw fatal_error(complaint_, 1);
    co_return completed&& failures_ == 0 ? 0 : 1;
  }

 private:
  [[nodiscard]] int names_fd() const { return file_ ? file_.get() : STDIN_FILENO; }

  weft::task<> ask_all() {
    co_await weft::scope([this](weft::task_scope& tasks) -> weft::task<> {
      auto const drawing = tasks.spawn(draw());
      co_await weft::scope([this](weft::task_scope& questions) { return begin_all(questions); });
      drawing.cancel();
    });
  }

  // The next line; none at the end, or when what follows cannot be read.
  weft::task<std::optional<std::string_view>> next_line() {
    try {
      ++line_number_;
      co_return co_await lines_.line();
    } catch (weft::line_too_long const& error) {
      complaint_ =
          fmt::format("{}: line {} has more than {} bytes; the names behind it were not read",
                      options_.path, line_number_, error.limit_bytes());
    } catch (std::system_error const& error) {
      complaint_ = fmt::format("{}: {}", options_.path, error.code().message());
    }
    co_return std::nullopt;
  }

  // Reads no further than there are permits, so that any number of names needs little memory.
  weft::task<> begin_all(weft::task_scope& questions) {
    while (auto const line = co_await next_line()) {
      read_bytes_ += line->size() + 1;
      auto const name = trimmed(*line);
      if (name.empty() || name.front() == '#') continue;
      auto permit = co_await permits_.acquire();
      if (options_.a_second > 0) {
        std::chrono::duration<double> const due(static_cast<double>(begun_) / options_.a_second);
        co_await weft::sleep_until(begin_ +
                                   std::chrono::duration_cast<std::chrono::nanoseconds>(due));
      }
      ++begun_;
      questions.spawn(answer(std::string(name), std::move(permit)));
    }
  }

  weft::task<> answer(std::string name, weft::permit permit) {
    auto const begin = weft::now();
    auto const asked = make_lookup(given_, name).question;
    std::optional<dns::reply> reply;
    std::string failure;
    try {
      reply = co_await ask(asked, failure);
    } catch (std::invalid_argument const&) {
      failure = "BADNAME";
    } catch (std::system_error const&) {
      failure = "LOCALERROR";  // of this machine, such as too many open files
    }
    auto const elapsed = weft::now() - begin;
    permit.release();
    if (reply) latency_.add(elapsed);
    count(reply ? dns::to_string(reply->message.rcode) : failure, !reply);
    auto line = reply ? json_text(name, asked.type, *reply, elapsed)
                      : json_failure_text(name, asked.type, failure, elapsed);
    line += '\n';
    auto const lock = co_await printing_.lock();
    co_await out_.write(std::as_bytes(std::span(line)));
  }

  // As often as --retry says, each time from the first server to the last.
  // Throws std::invalid_argument for what is no name.
  weft::task<std::optional<dns::reply>> ask(question asked, std::string& failure) {
    std::optional<dns::reply> last;
    for (int i = 0; i < given_.tries; ++i) {
      for (auto const& each : given_.servers) {
        auto query = dns::make_query(asked.text, asked.type, asked.record_class);
        query.rd = given_.recurse;
        try {
          last = co_await resolver_.exchange(
              std::move(query), given_.endpoint_of(each),
              {.timeout = given_.timeout(given_.use_tcp), .use_tcp = given_.use_tcp});
        } catch (dns::query_error const& error) {
          failure = json_failure_name(error.kind());
          continue;
        }
        if (last->message.rcode != dns::rcode::servfail) co_return last;
      }
      if (last) break;
    }
    co_return last;
  }

  static std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blanks = " \t\r";
    auto const begin = text.find_first_not_of(blanks);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
  }

  void count(std::string const& rcode, bool is_failure) {
    ++rcodes_[rcode];
    ++answered_;
    if (is_failure) ++failures_;
  }

  weft::task<> draw() {
    // Answers on the same terminal show by themselves how far it is.
    if (::isatty(STDERR_FILENO) != 1 || ::isatty(STDOUT_FILENO) == 1) co_return;
    progress_line line;
    try {
      for (;;) {
        co_await weft::sleep_for(100ms);
        line.draw(state());
      }
    } catch (weft::cancelled const&) {
      line.clear();
      throw;
    }
  }

  [[nodiscard]] progress state() const {
    return {.done = answered_,
            .in_flight = begun_ - answered_,
            .share = size_bytes_ > 0 ? std::optional(static_cast<double>(read_bytes_) /
                                                     static_cast<double>(size_bytes_))
                                     : std::nullopt,
            .elapsed = weft::now() - begin_};
  }

  void print_summary() const {
    auto const seconds = std::chrono::duration<double>(weft::now() - begin_).count();
    auto const ms = [this](double percent) {
      return std::chrono::duration<double, std::milli>(latency_.percentile(percent)).count();
    };
    fmt::print(stderr, "{} names in {:.3f} s, {:.0f} a second\n", answered_, seconds,
               static_cast<double>(answered_) / seconds);
    for (auto const& [rcode, times] : rcodes_) fmt::print(stderr, "{:<10}{:>10}\n", rcode, times);
    fmt::print(stderr, "latency   p50 {:.3f} ms, p99 {:.3f} ms\n", ms(50), ms(99));
  }

  settings const& given_;
  dns::resolver& resolver_;
  bulk_options const& options_;
  weft::descriptor file_;
  weft::terminal::input names_{names_fd()};
  weft::buffered_reader<weft::terminal::input> lines_{names_};
  std::uint64_t line_number_ = 0;
  std::string complaint_;
  weft::terminal::output out_to_;
  weft::buffered_writer<weft::terminal::output> out_{out_to_};
  weft::mutex printing_;
  weft::semaphore permits_;
  std::uint64_t size_bytes_;
  std::uint64_t read_bytes_ = 0;
  std::uint64_t begun_ = 0;
  std::uint64_t answered_ = 0;
  std::uint64_t failures_ = 0;
  std::map<std::string, std::uint64_t> rcodes_;
  weft::duration_histogram<7> latency_;
  weft::clock::time_point begin_;
};

}  // namespace

weft::task<int> run_bulk(settings const& given, dns::resolver& resolver,
                         bulk_options const& options) {
  bulk_run running(given, resolver, options);
  co_return co_await running.run();
}

}  // namespace nslookup
