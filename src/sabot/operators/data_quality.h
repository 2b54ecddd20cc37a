// Watches a feed go by: counts, for each key, what is odd about its rows, and passes them on unchanged.
#pragma once

#include <arrow/table.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sabot/data/key_index.h"
#include "sabot/operators/operator.h"

namespace sabot::operators {

struct DataQualityOptions {
  std::vector<std::string> by = {"symbol"};
  int64_t gap_ns = 1'000'000'000;  // Event time that goes on by more than this is a gap.
};

// Reads `timestamp`, `local_timestamp`, `bid` and `ask` where the input has them. At the end of a run the report is a
// table with a row a key, in order of first appearance: the key columns, then (int64, null where the columns lack)
//   rows         of the key
//   duplicates   rows equal to the one before in all columns but local_timestamp (by a hash of 64 bits)
//   backwards    rows whose event time lies before the one before
//   gaps         steps of event time larger than gap_ns; gap_max_ns: the largest step
//   crossed      rows with bid > ask; locked: bid == ask
//   nulls        null values in all columns
//   skew_min_ns, skew_max_ns   local_timestamp - timestamp
class DataQuality final : public Operator {
 public:
  DataQuality(DataQualityOptions options, const OperatorContext& context)
      : options_(std::move(options)), report_(context.report) {}

  std::string_view name() const override { return "data_quality"; }
  // Errors (kSchema): a key column is missing; a time column is none, bid or ask is not float64.
  arrow::Result<SchemaVector> Bind(const SchemaVector& inputs) override;
  arrow::Result<Progress> Process(int input, const data::Batch& batch, Output& output) override;
  arrow::Result<Progress> OnTime(const data::Place& frontier, Output& output) override;
  bool stateful() const override { return true; }
  arrow::Result<std::vector<std::shared_ptr<arrow::Table>>> Snapshot() const override;
  arrow::Status Restore(const std::vector<std::shared_ptr<arrow::Table>>& snapshot) override;

  // Of the rows so far.
  arrow::Result<std::shared_ptr<arrow::Table>> Report() const;

 private:
  struct Counters {  // Of one key.
    int64_t rows = 0;
    int64_t duplicates = 0;
    int64_t backwards = 0;
    int64_t gaps = 0;
    int64_t gap_max_ns = 0;
    int64_t crossed = 0;
    int64_t locked = 0;
    int64_t nulls = 0;
    int64_t skew_min_ns = INT64_MAX;
    int64_t skew_max_ns = INT64_MIN;
    int64_t last_time = INT64_MIN;  // INT64_MIN: none yet.
    int64_t last_hash = 0;
  };
  struct Member {  // A column of the report or of the state.
    const char* name;
    int64_t Counters::* value;
    int needs;  // The input column it needs, or -1.
  };

  std::vector<Member> Members() const;

  DataQualityOptions options_;
  decltype(OperatorContext::report) report_;
  std::optional<data::KeyIndex> keys_;
  std::vector<Counters> counters_;  // By slot.
  int time_ = -1;                   // Columns of the input, -1 where it lacks them.
  int local_time_ = -1;
  int bid_ = -1;
  int ask_ = -1;
};

}  // namespace sabot::operators
