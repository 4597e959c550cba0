// See html.hpp.
#include "html.hpp"

#include <cstdint>

#include <fmt/format.h>

namespace io_vs_cpu {

namespace {

constexpr std::string_view head = R"(<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{0}</title>
<style>
body {{ font: 16px/1.5 sans-serif; max-width: 60em; margin: 2em auto; padding: 0 1em; }}
h2 {{ margin-top: 2.5em; }}
img {{ width: 100%; max-width: 900px; height: auto; display: block; }}
.claim {{ font-weight: bold; }}
.scroll {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-size: 13px; white-space: nowrap; }}
caption {{ text-align: left; font-weight: bold; font-size: 15px; padding: 1.5em 0 0.3em; }}
th, td {{ padding: 0.15em 0.7em; text-align: right; border-bottom: 1px solid #ddd; }}
th:first-child, td:first-child, th:last-child, td:last-child {{ text-align: left; }}
dt {{ float: left; width: 7em; color: #666; }}
dd {{ margin-left: 7em; }}
</style>
</head>
<body>
<h1>{0}</h1>
)";

std::string escaped(std::string_view text) {
  std::string result;
  for (char const c : text) {
    if (c == '<')
      result += "&lt;";
    else if (c == '>')
      result += "&gt;";
    else if (c == '&')
      result += "&amp;";
    else if (c == '"')
      result += "&quot;";
    else
      result += c;
  }
  return result;
}

// Several pictures as elements of one page would share the names in their definitions, so each
// comes as an image of its own.
std::string base64(std::string_view bytes) {
  constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string result;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    auto const group = bytes.substr(i, 3);
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k)
      bits = bits << 8 | (k < group.size() ? static_cast<unsigned char>(group[k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k)
      result += k <= group.size() ? digits[bits >> (18 - 6 * k) & 63] : '=';
  }
  return result;
}

}  // namespace

html_page::html_page(std::string_view title) : text_(fmt::format(head, escaped(title))) {}

void html_page::heading(std::string_view text) {
  text_ += fmt::format("<h2>{}</h2>\n", escaped(text));
}

void html_page::paragraph(std::string_view text) {
  text_ += fmt::format("<p>{}</p>\n", escaped(text));
}

void html_page::claim(std::string_view text) {
  text_ += fmt::format("<p class=\"claim\">{}</p>\n", escaped(text));
}

void html_page::list(std::vector<std::string> const& lines) {
  text_ += "<ul>\n";
  for (auto const& line : lines) text_ += fmt::format("<li>{}</li>\n", escaped(line));
  text_ += "</ul>\n";
}

void html_page::list_of(bench::description const& pairs) {
  text_ += "<dl>\n";
  for (auto const& [key, value] : pairs)
    text_ += fmt::format("<dt>{}</dt><dd>{}</dd>\n", escaped(key), escaped(value));
  text_ += "</dl>\n";
}

void html_page::picture(std::string_view svg, std::string_view says) {
  text_ += fmt::format("<img alt=\"{}\" src=\"data:image/svg+xml;base64,{}\">\n", escaped(says),
                       base64(svg));
}

void html_page::begin_table(std::string_view title, std::span<char const* const> headings) {
  text_ +=
      fmt::format("<div class=\"scroll\"><table>\n<caption>{}</caption>\n<tr>", escaped(title));
  for (char const* const each : headings) text_ += fmt::format("<th>{}</th>", escaped(each));
  text_ += "</tr>\n";
}

void html_page::add_row(std::span<std::string const> cells) {
  text_ += "<tr>";
  for (auto const& each : cells) text_ += fmt::format("<td>{}</td>", escaped(each));
  text_ += "</tr>\n";
}

void html_page::end_table() { text_ += "</table></div>\n"; }

}  // namespace io_vs_cpu
