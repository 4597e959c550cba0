// How the examples read their command lines: what is wrong is said in one line, with exit code 2.
// The parser, CLI11, is known to command_line.cpp alone, since it takes long to compile.
#pragma once

#include <chrono>
#include <cmath>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <weft/run.hpp>

// Yields what is wrong with a value, and nothing if it is fine.
using value_check = std::function<std::string(std::string const& value)>;

// Objects to a value that the predicate does not hold for: it "is not WHAT".
value_check must_be(std::string what, std::function<bool(std::string const& value)> holds);

value_check must_be_an_address();
value_check must_be_an_executor();
value_check must_be_positive();                                        // a whole number
value_check must_be_between(std::uint64_t least, std::uint64_t most);  // a whole number
// With or without a fraction, and within reason: as seconds, from 1 us to ten years.
value_check must_be_a_number();

inline std::chrono::nanoseconds from_seconds(double seconds) {
  return std::chrono::nanoseconds(std::llround(seconds * 1e9));
}

// A standard stream that is closed at start becomes an empty one, before a descriptor of the loop's
// can take its number. command_line does it first of all.
void open_closed_streams();

class command_line {
 public:
  command_line(std::string about, std::string program);
  ~command_line();

  // `--name VALUE`, at most once; for a vector, any number of times. The variable keeps its value
  // if the option is not given. Which types a Value may have is listed at the end of
  // command_line.cpp.
  template <class Value>
  void add_option(std::string name, Value& variable, std::string help,
                  value_check const& check = {});

  // VALUE, without a name, which must be given; for a vector, one or more.
  template <class Value>
  void add_argument(std::string name, Value& variable, std::string help,
                    value_check const& check = {});

  // Objects when the option was not given.
  void require_option(std::string const& name);

  // `--name`, without a value.
  void add_flag(std::string name, bool& variable, std::string help);

  // `--backend uring|epoll`
  void add_backend_option(weft::backend_kind& variable);

  // What --help says after the options.
  void set_footer(std::string text);

  // Yields the exit code when the program is to end at once: after --help, or after bad usage.
  std::optional<int> parse(int count, char** values);

 private:
  struct parser;
  std::unique_ptr<parser> parser_;
};
