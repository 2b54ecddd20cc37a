// The rejects of a source partition that is opened more than once in a run: it meets the bad rows at its beginning
// again, in the same order, and each is told once.
#pragma once

#include <memory>
#include <mutex>
#include <utility>

#include "sabot/data/reject_log.h"

namespace sabot::engine {

class RejectsOnce {
 public:
  explicit RejectsOnce(std::shared_ptr<data::RejectLog> log) : told_(std::make_shared<Told>()) {
    told_->log = std::move(log);
  }

  // For the source, opened anew, and not read any more where it was open before.
  std::shared_ptr<data::RejectLog> Open() const { return std::make_shared<Opened>(told_); }

 private:
  struct Told {
    std::shared_ptr<data::RejectLog> log;
    std::mutex mutex;
    int64_t rows = 0;
  };
  class Opened final : public data::RejectLog {
   public:
    explicit Opened(std::shared_ptr<Told> told) : told_(std::move(told)) {}
    arrow::Status Add(const data::Reject& reject) override {
      const std::lock_guard lock(told_->mutex);
      if (met_++ < told_->rows) return arrow::Status::OK();
      ++told_->rows;
      return told_->log->Add(reject);
    }
    int64_t count() const override { return told_->log->count(); }

   private:
    const std::shared_ptr<Told> told_;
    int64_t met_ = 0;  // With the mutex.
  };

  std::shared_ptr<Told> told_;
};

}  // namespace sabot::engine
