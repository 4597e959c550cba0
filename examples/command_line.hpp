// How the examples read their command lines: what is wrong is said in one line, with exit code 2.
#pragma once

#include <optional>
#include <string>

#include <CLI/CLI.hpp>

// Yields the exit code when the program is to end at once: after --help, or after bad usage.
inline std::optional<int> exit_code_of(CLI::App& app, int count, char** values) {
  app.failure_message([](CLI::App const* failed, CLI::Error const& error) {
    return failed->get_name() + ": " + error.what() + "; --help tells more\n";
  });
  try {
    app.parse(count, values);
    return std::nullopt;
  } catch (CLI::ParseError const& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
}
