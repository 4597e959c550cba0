// Whatever a client with the key says, each request gets one answer at most, and none of it harms
// the queues: what is in them can be taken and ended.
#include <cstdint>
#include <map>
#include <span>
#include <string>

#include "check.hpp"
#include "queue/host.hpp"
#include "weft/net/queue/error.hpp"

namespace {

using namespace weft::detail;  // NOLINT(google-build-using-namespace)

class counting_asker final : public queue_asker {
 public:
  explicit counting_asker(std::uint64_t number) : queue_asker(number) {}
  void send(std::string const& message) override {
    ++answers[values_in(message).next<std::uint64_t>()];
  }

  std::map<std::uint64_t, int> answers;
};

}  // namespace

// The input is messages, each behind its length in one byte.
extern "C" int LLVMFuzzerTestOneInput(std::uint8_t const* data, std::size_t size) {
  queue_host host({.key = "key", .policy = {.capacity = 4, .value_limit_bytes = 100}}, "fuzzed",
                  [](int failures) { return failures; });
  counting_asker hostile(host.next_number());
  std::map<std::uint64_t, int> asked;
  task_list::time now = 0;
  try {
    while (size > 1) {
      std::size_t const length = std::min<std::size_t>(data[0], size - 1);
      std::string_view const message(reinterpret_cast<char const*>(data + 1), length);
      data += 1 + length;
      size -= 1 + length;
      if (!message.empty() && (message[0] & 0x80) == 0)
        ++asked[static_cast<unsigned char>(message[0])];
      host.handle(hostile, message, ++now);
    }
  } catch (weft::net::frame_error const&) {}
  for (auto const& [number, count] : hostile.answers)
    if (number < 0x80) check(count <= asked[number]);
  host.forget(hostile);
  host.advance(now += 1'000'000'000'000);  // all leases and delays are over

  counting_asker good(host.next_number());
  host.handle(good, message_of(1, "open", "tasks"), now);
  host.handle(good, message_of(2, "depth", "tasks"), now);
  check(good.answers[1] == 1 && good.answers[2] == 1);
  return 0;
}
