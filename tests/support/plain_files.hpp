// Files as the standard library sees them, to check ours against.
#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

namespace support {

inline std::string contents(std::string const& path) {
  std::ifstream from(path, std::ios::binary);
  std::ostringstream text;
  text << from.rdbuf();
  return std::move(text).str();
}

inline void make_file(std::string const& path, std::string const& text = "") {
  std::ofstream(path, std::ios::binary) << text;
}

// Without their ends.
inline std::vector<std::string> sorted_lines(std::string const& text) {
  std::vector<std::string> lines;
  for (std::size_t at = 0, end = 0; (end = text.find('\n', at)) != text.npos; at = end + 1)
    lines.push_back(text.substr(at, end - at));
  std::ranges::sort(lines);
  return lines;
}

inline std::vector<std::string> names_in(std::string const& directory) {
  std::vector<std::string> names;
  for (auto const& entry : std::filesystem::directory_iterator(directory))
    names.push_back(entry.path().filename().string());
  std::ranges::sort(names);
  return names;
}

}  // namespace support
