// What the cells work on: files of one size, a list of header files, and the two servers. All of it
// is gone when this is.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "support/server_process.hpp"

namespace io_vs_cpu {

class workplace {
 public:
  // Makes it in a new directory below `where`; the name server only if there is one.
  workplace(std::string const& where, bool has_dns);
  ~workplace();
  workplace(workplace const&) = delete;
  workplace& operator=(workplace const&) = delete;

  [[nodiscard]] std::string files() const { return path_ + "/files.txt"; }
  [[nodiscard]] std::string tree() const { return path_ + "/tree.txt"; }
  [[nodiscard]] bool has_tree() const { return has_tree_; }
  [[nodiscard]] bool has_direct() const { return has_direct_; }
  [[nodiscard]] std::uint16_t tcp_port() const { return tcp_->port(); }
  [[nodiscard]] std::uint16_t dns_port() const { return dns_ ? dns_->port() : 0; }
  [[nodiscard]] std::vector<pid_t> servers() const;

 private:
  void make_files();
  void list_tree();
  void start_servers(bool has_dns);

  std::string path_;
  bool has_tree_ = false;
  bool has_direct_ = false;
  std::optional<bench::server_process> tcp_;
  std::optional<bench::server_process> dns_;
};

}  // namespace io_vs_cpu
