// A page of HTML that needs no other file.
#pragma once

#include <array>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "support/description.hpp"

namespace io_vs_cpu {

class html_page {
 public:
  explicit html_page(std::string_view title);

  void heading(std::string_view text);
  void paragraph(std::string_view text);
  void claim(std::string_view text);  // what a picture shows
  void list(std::vector<std::string> const& lines);
  void list_of(bench::description const& pairs);

  // Holds the SVG itself; `says` is for those who cannot see it.
  void picture(std::string_view svg, std::string_view says);

  // The first column and the last are text, the others numbers.
  template <std::size_t Columns>
  void table(std::string_view title, std::array<char const*, Columns> const& headings,
             std::vector<std::array<std::string, Columns>> const& rows) {
    begin_table(title, headings);
    for (auto const& row : rows) add_row(row);
    end_table();
  }

  [[nodiscard]] std::string text() const { return text_ + "</body>\n</html>\n"; }

 private:
  void begin_table(std::string_view title, std::span<char const* const> headings);
  void add_row(std::span<std::string const> cells);
  void end_table();

  std::string text_;
};

}  // namespace io_vs_cpu
