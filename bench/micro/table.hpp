// The result of a run as one compact table: each operation, Weft beside its peer, the goal.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <benchmark/benchmark.h>

// Collects the repetitions of every benchmark. The table has their medians: of CPU time, or of the
// elapsed time for what several threads do.
class table final : public benchmark::BenchmarkReporter {
 public:
  bool ReportContext(Context const& context) override;
  void ReportRuns(std::vector<Run> const& runs) override;

  // Prints what there is of the table.
  void print() const;

 private:
  [[nodiscard]] double median_of(std::string const& name) const;

  std::map<std::string, std::vector<double>> repetitions_;  // nanoseconds
};
