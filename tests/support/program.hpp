// A program as its user sees it: started with arguments, read through pipes, sent signals, and
// judged by how it ends. Everything that waits gives up after a minute, with an exception.
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace support {

// Where the examples are built; "line_server" to its path.
std::string example(std::string const& name);

// Lets this process, and the programs it starts, open as many descriptors as the system allows.
void raise_file_limit();

class program {
 public:
  // Starts it, with stdout and stderr as pipes and SIGINT, SIGTERM and SIGQUIT as by default. Its
  // stdin is a pipe with that input, which must fit into one; without any, the stdin is ours.
  program(std::string const& path, std::vector<std::string> arguments,
          std::optional<std::string_view> input = std::nullopt);
  // Kills it if it has not been waited for.
  ~program();
  program(program const&) = delete;
  program& operator=(program const&) = delete;

  // The first line of stdout, without its end; all of stdout if it ends before.
  std::string first_line();

  // Reads until stdout has that in it, from the beginning on; throws if it ends before.
  void wait_for(std::string_view text);

  void signal(int number) const;

  struct ended {
    int code;         // -N: killed by signal N
    std::string out;  // all of it
    std::string err;
  };
  // Reads what it writes until it has ended.
  ended wait();

 private:
  struct pipe_end {
    int fd = -1;
    std::string text;

    // Reads more if there is any; closes it at the end.
    void read();
  };

  // Waits until at least one has been read from.
  void read_some();

  pid_t process_ = -1;
  pipe_end out_;
  pipe_end err_;
};

}  // namespace support
