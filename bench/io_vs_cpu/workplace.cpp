// See workplace.hpp.
#include "workplace.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <system_error>
#include <vector>

#include <fmt/format.h>

#include "support/contest.hpp"
#include "work.hpp"

namespace io_vs_cpu {

namespace {

namespace fs = std::filesystem;

constexpr std::size_t file_count = 256;
constexpr std::size_t tree_count = 512;
constexpr std::uintmax_t tree_file_min = 4'096;
constexpr std::uintmax_t tree_file_max = 65'536;

constexpr char const* zone = R"($ORIGIN bulk.example.
$TTL 300
@ IN SOA ns hostmaster 1 3600 900 604800 300
@ IN NS ns
ns IN A 192.0.2.53
* IN A 192.0.2.1
)";

}  // namespace

workplace::workplace(std::string const& where, bool has_dns) {
  fs::create_directories(where);
  path_ = (fs::absolute(where) / "work-XXXXXX").string();
  if (::mkdtemp(path_.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
  try {
    make_files();
    list_tree();
    start_servers(has_dns);
  } catch (...) {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
    throw;
  }
}

workplace::~workplace() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

std::vector<pid_t> workplace::servers() const {
  std::vector<pid_t> found{tcp_->pid()};
  if (dns_) found.push_back(dns_->pid());
  return found;
}

void workplace::make_files() {
  std::ofstream list(files());
  std::string const contents(file_bytes, 'w');
  for (std::size_t i = 0; i < file_count; ++i) {
    auto const path = fmt::format("{}/{:03}", path_, i);
    std::ofstream(path) << contents;
    list << path << '\n';
  }
  ::sync();  // else the first direct reads would write first
  try {
    has_direct_ = read_whole(path_ + "/000", true) == file_bytes;
  } catch (std::system_error const&) {
    has_direct_ = false;
  }
}

// Every so many of the files that there are, in the order of their names.
void workplace::list_tree() {
  std::vector<std::string> found;
  std::error_code ignored;
  auto const all = fs::recursive_directory_iterator(
      "/usr/include", fs::directory_options::skip_permission_denied, ignored);
  for (auto const& entry : all)
    if (entry.is_regular_file(ignored) && entry.file_size(ignored) >= tree_file_min &&
        entry.file_size(ignored) <= tree_file_max)
      found.push_back(entry.path().string());
  std::ranges::sort(found);
  std::ofstream list(tree());
  auto const step = std::max<std::size_t>(1, found.size() / tree_count);
  for (std::size_t i = 0; i < found.size() && i / step < tree_count; i += step)
    list << found[i] << '\n';
  has_tree_ = !found.empty();
}

void workplace::start_servers(bool has_dns) {
  auto const here = fs::path(bench::program_directory());
  tcp_.emplace(bench::child_command{.arguments = {here / "io_vs_cpu-server"}});
  if (!has_dns) return;
  auto const zone_file = path_ + "/bulk.example.zone";
  std::ofstream(zone_file) << zone;
  dns_.emplace(bench::child_command{.arguments = {here.parent_path() / "examples" / "dns_server",
                                                  "--zone", zone_file, "--port", "0", "--latency",
                                                  std::to_string(latency.count())}});
}

}  // namespace io_vs_cpu
