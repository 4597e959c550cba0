// What the benchmark io_vs_cpu says about its data: an ordering only where the intervals are apart.
#include "io_vs_cpu/sentences.hpp"

#include <doctest/doctest.h>

#include <array>
#include <cmath>
#include <string>
#include <vector>

using io_vs_cpu::against_python_sentence;
using io_vs_cpu::break_even;
using io_vs_cpu::break_even_sentence;
using io_vs_cpu::compare;
using io_vs_cpu::comparison_sentence;
using io_vs_cpu::crossing;
using io_vs_cpu::figure;
using io_vs_cpu::interval_of;
using io_vs_cpu::number;
using io_vs_cpu::offload_curve;
using io_vs_cpu::order;
using io_vs_cpu::speed_up_sentence;
using io_vs_cpu::wording;

namespace {

constexpr wording amount{.beginning = "{} do {}: ", .more = "more than", .less = "less than"};

figure made(std::string name, std::vector<double> const& rounds) {
  return {.name = std::move(name), .value = interval_of(rounds)};
}

}  // namespace

TEST_CASE("an ordering is claimed where the intervals are apart") {
  std::array const others{made("slow", {10, 11, 10}), made("fast", {400, 410, 405})};
  CHECK(comparison_sentence(made("ours", {100, 101, 102}), others, amount) ==
        "ours do 101 [98.5, 104]: more than slow (9.78 to 1); less than fast (1 to 4.01).");
}

TEST_CASE("there is no difference where the intervals overlap") {
  std::array const others{made("noisy", {80, 150, 110})};
  CHECK(comparison_sentence(made("ours", {100, 101, 102}), others, amount) ==
        "ours do 101 [98.5, 104]: no difference from noisy.");
}

TEST_CASE("a difference of less than 5 % is none, however sure") {
  auto const ours = interval_of(std::vector<double>{100, 100.01, 100.02});
  CHECK(compare(ours, interval_of(std::vector<double>{104, 104.01, 104.02})) ==
        order::no_difference);
  CHECK(compare(ours, interval_of(std::vector<double>{106, 106.01, 106.02})) == order::less);
  CHECK(compare(interval_of(std::vector<double>{106, 106.01, 106.02}), ours) == order::more);
}

TEST_CASE("one round claims nothing") {
  std::array const others{made("theirs", {1})};
  CHECK(comparison_sentence(made("ours", {100}), others, amount) ==
        "One round has no interval, so nothing is claimed.");
  CHECK(compare(interval_of(std::vector<double>{100}), interval_of(std::vector<double>{1})) ==
        order::no_difference);
}

TEST_CASE("a sentence without anything to compare with says so") {
  CHECK(comparison_sentence(made("ours", {1, 1}), {}, amount) == "Only ours was measured.");
  CHECK(against_python_sentence({}) == "Python was not measured.");
}

TEST_CASE("a speed-up is one only where its interval is above 1") {
  std::array const speed_ups{made("threads", {1.9, 1.92, 1.91}), made("Python", {0.9, 1.1, 1.02}),
                             made("worse", {0.5, 0.51, 0.5})};
  auto const said = speed_up_sentence(4, 2, speed_ups);
  CHECK(said.starts_with("With 4 workers on 2 cores, where 2 times is ideal: "));
  CHECK(said.find("faster than blocking calls one by one: threads 1.91 [1.89, 1.93]") !=
        std::string::npos);
  CHECK(said.find("no difference from them: Python") != std::string::npos);
  CHECK(said.find("slower than they: worse") != std::string::npos);
}

TEST_CASE("pairs with Python are sorted by what their intervals allow") {
  std::array const ratios{made("TCP", {5, 5.1, 5.2}), made("sleep", {0.99, 1.01, 1.0}),
                          made("files", {0.5, 0.5, 0.51})};
  auto const said = against_python_sentence(ratios);
  CHECK(said.find("in TCP 5.10") != std::string::npos);
  CHECK(said.find("no difference in sleep") != std::string::npos);
  CHECK(said.find("Python does more in files") != std::string::npos);
}

TEST_CASE("a curve crosses 1 where it comes to stay above") {
  std::array const sizes{1.0, 10.0, 100.0, 1'000.0};
  CHECK(crossing(sizes, std::array{0.1, 0.1, 10.0, 10.0}) == doctest::Approx(std::sqrt(1'000.0)));
  CHECK(crossing(sizes, std::array{2.0, 0.5, 2.0, 2.0}) == doctest::Approx(std::sqrt(1'000.0)));
  CHECK(crossing(sizes, std::array{2.0, 2.0, 2.0, 2.0}) == 1.0);
  CHECK(std::isnan(crossing(sizes, std::array{0.1, 0.2, 0.5, 0.9})));
  CHECK(std::isnan(crossing(sizes, std::array{0.1, 2.0, 2.0, 0.9})));
}

TEST_CASE("break-evens are ordered only where their intervals are apart") {
  offload_curve const threads{"threads", {1, 10, 100}, {{0.1, 1.9, 2}, {0.1, 1.91, 2}}};
  offload_curve const processes{"processes", {1, 10, 100}, {{0.1, 0.5, 1.8}, {0.1, 0.5, 1.81}}};
  offload_curve const noisy{"processes", {1, 10, 100}, {{0.1, 1.0, 2}, {0.1, 1.1, 2.01}}};
  CHECK(break_even_sentence(threads, processes).ends_with(": a process needs the longer job."));
  CHECK(break_even_sentence(processes, threads).ends_with(": a thread needs the longer job."));
  CHECK(break_even_sentence(noisy, noisy).ends_with(": no difference between the two."));
}

TEST_CASE("a break-even is claimed only where the whole interval of the curve comes above 1") {
  offload_curve const threads{"threads", {1, 10, 100}, {{0.1, 1.9, 2}, {0.1, 1.91, 2}}};
  offload_curve const unsure{"processes", {1, 10, 100}, {{0.1, 0.2, 0.9}, {0.1, 0.2, 3.0}}};
  CHECK(std::isfinite(break_even(unsure).estimate));
  CHECK(break_even_sentence(threads, unsure)
            .find("this run does not show from where on moving a job to a process pays") !=
        std::string::npos);
}

TEST_CASE("numbers have three digits that count") {
  CHECK(number(1.954) == "1.95");
  CHECK(number(12'345) == "12,300");
  CHECK(number(1'234'567) == "1,230,000");
  CHECK(number(0.01234) == "0.0123");
  CHECK(number(123.4) == "123");
  CHECK(number(std::nan("")) == "-");
}
