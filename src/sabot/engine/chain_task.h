// A task as a job has them: frames from a source or a gate, through a chain of operators, to channels or a sink.
#pragma once

#include <memory>
#include <string>
#include <utility>

#include "sabot/engine/operator_chain.h"
#include "sabot/engine/task.h"
#include "sabot/engine/task_input.h"
#include "sabot/engine/task_output.h"

namespace sabot::engine {

// Hears of barriers and of ends, on the task's thread.
class BarrierListener {
 public:
  virtual ~BarrierListener() = default;
  // All before the barrier has been taken, and nothing behind it.
  virtual arrow::Status AtBarrier(int task, int64_t checkpoint, OperatorChain& chain) = 0;
  virtual void AtEnd(int task) = 0;
};

class ChainTask final : public Task {
 public:
  struct Settings {
    std::string name;
    int number = 0;
    bool on_caller = false;
    BarrierListener* listener = nullptr;  // Outlives it, if there is one.
  };
  ChainTask(Settings settings, std::unique_ptr<TaskInput> input, OperatorChain chain,
            std::unique_ptr<TaskOutput> output)
      : settings_(std::move(settings)),
        output_(std::move(output)),
        chain_(std::move(chain)),
        input_(std::move(input)) {}

  std::string_view name() const override { return settings_.name; }
  bool on_caller() const override { return settings_.on_caller; }
  arrow::Result<Turn> Step() override;

 private:
  arrow::Result<std::optional<data::Frame>> FromChain();

  const Settings settings_;
  std::unique_ptr<TaskOutput> output_;
  OperatorChain chain_;
  std::unique_ptr<TaskInput> input_;  // Ends first, and with it what may wake the task.
  data::Batch last_;                  // That the chain took: where an error was met.
  bool ended_ = false;
};

}  // namespace sabot::engine
