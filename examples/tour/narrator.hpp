// What the tour says: what a step does, how far it is, what it measured, and what to take from it.
// On a terminal it is as wide as that, coloured unless NO_COLOR is set (https://no-color.org), and
// a line tells how far a step is; elsewhere it is plain text of 80 columns.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "../progress.hpp"

class narrator {
 public:
  narrator();

  // Text that is no part of a step.
  void say(std::string_view text) const;

  // Begins the next step.
  void begin(std::string title, std::string_view what_it_does);

  // Shows how far the step is, if it is time to.
  void show_progress(std::size_t done, std::size_t total);
  void show_progress(progress now);

  // What the step has to say besides.
  void note(std::string_view text);

  // A line of what another program said.
  void quote(std::string_view line);
  void quote_all(std::string_view lines);

  // One thing that was measured; it is in the table at the end, too.
  void measured(std::string name, std::string value);

  // Ends the step: what to take from it.
  void lesson(std::string_view text);

  // Takes away what is not to stay on the screen.
  void clear();

  // All that was measured.
  void print_table() const;
  [[nodiscard]] std::string as_markdown() const;

 private:
  struct finding {
    std::string name;
    std::string value;
  };
  struct step {
    std::string title;
    std::vector<finding> findings{};
    std::string lesson{};
  };

  void print(std::string_view text, std::string_view indent) const;
  [[nodiscard]] std::string styled(std::string_view text, char const* style) const;

  bool is_terminal_;
  bool is_coloured_;
  std::size_t columns_;
  std::vector<step> steps_;
  progress_line line_;
  std::chrono::steady_clock::time_point begun_{};
  std::chrono::steady_clock::time_point drawn_{};
  std::size_t done_ = 0;
  bool is_drawn_ = false;
};

// "48,655", "0.21 s", "3.9 ms", "17.2 MB"
std::string number_text(double number);
std::string duration_text(std::chrono::nanoseconds duration);
std::string bytes_text(std::size_t bytes);
