// Runs that take many checkpoints, and die where a test says.
#pragma once

#include <deque>
#include <filesystem>
#include <functional>
#include <string>
#include <utility>

#include "sabot/engine/world.h"
#include "sabot/env/background.h"
#include "sabot/env/interrupt.h"

namespace sabot::engine {

// Checkpoints are written when they are taken, so that a run has many.
class AtOnce : public World {
  class Inline final : public env::Background {
    void Post(std::function<void()> job) override {
      jobs_.push_back(std::move(job));
      if (jobs_.size() > 1) return;  // A job posts the next one.
      for (; !jobs_.empty(); jobs_.pop_front()) jobs_.front()();
    }
    std::deque<std::function<void()>> jobs_;
  };

 public:
  env::Background& writer() override { return inline_; }

 private:
  Inline inline_;
};

// Asks when a file is there, on the thread that runs the job.
class WhenThereIs : public env::Interrupt {
 public:
  WhenThereIs(std::string path, std::function<arrow::Status()> ask) : path_(std::move(path)), ask_(std::move(ask)) {}
  arrow::Status Check() override { return std::filesystem::exists(path_) ? ask_() : arrow::Status::OK(); }

 private:
  std::string path_;
  std::function<arrow::Status()> ask_;
};

// Dies when a file is there.
class DiesWhenThereIs final : public WhenThereIs {
 public:
  explicit DiesWhenThereIs(std::string path)
      : WhenThereIs(std::move(path), [] { return arrow::Status::Cancelled("died"); }) {}
};

}  // namespace sabot::engine
