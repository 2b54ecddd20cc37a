// Rows that cannot go on: counted, kept with their reason where the user asks for it, never lost in silence.
#pragma once

#include <arrow/status.h>

#include <atomic>
#include <cstdint>
#include <string>

namespace sabot::data {

struct Reject {
  std::string where;      // "csv source 'ticks.csv' line 17", "require: offset 17 of source 0"
  std::string reason;     // "column 'price': 'abc' is no double"
  std::string row;        // As it was found, as text.
};

// May be called by any thread. What is wrong with single rows goes here; what is wrong with a whole source is an error
// of its own.
class RejectLog {
 public:
  virtual ~RejectLog() = default;
  // An error stops the run: that of a strict log, or of the disk.
  virtual arrow::Status Add(const Reject& reject) = 0;
  // What was added is where it should be. Called once, when a run has ended well.
  virtual arrow::Status Close() { return arrow::Status::OK(); }
  virtual int64_t count() const = 0;
};

// Only counts.
class CountingRejects final : public RejectLog {
 public:
  arrow::Status Add(const Reject&) override { return ++count_, arrow::Status::OK(); }
  int64_t count() const override { return count_; }

 private:
  std::atomic<int64_t> count_ = 0;
};

// Stops the run at the first one with a kData error that holds all of it.
class StrictRejects final : public RejectLog {
 public:
  arrow::Status Add(const Reject& reject) override;
  int64_t count() const override { return 0; }
};

}  // namespace sabot::data
