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

inline std::vector<std::string> names_in(std::string const& directory) {
  std::vector<std::string> names;
  for (auto const& entry : std::filesystem::directory_iterator(directory))
    names.push_back(entry.path().filename().string());
  std::ranges::sort(names);
  return names;
}

}  // namespace support
