// The world outside of a job, from a seed: what happens, happens as a step of a task of its own, in an order that the
// executor's seed chooses among everything that could be next.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "sabot/connectors/source.h"
#include "sabot/engine/world.h"
#include "sabot/env/simulated_transport.h"
#include "sabot/shuffle/remote_channel.h"

namespace sabot::simulation {

// Things that will happen, in any order. Used on one thread.
class Events {
 public:
  explicit Events(uint64_t seed) : random_(seed) {}

  void Add(std::function<void()> event) {
    events_.push_back(std::move(event));
    wake_();
  }
  bool empty() const { return events_.empty(); }
  // Lets one of them happen.
  void HappenOne() {
    std::swap(events_[Below(events_.size())], events_.back());
    const auto event = std::move(events_.back());
    events_.pop_back();
    event();
  }
  void set_wake(std::function<void()> wake) { wake_ = std::move(wake); }
  // Nothing of it happens any more.
  void Stop() {
    events_.clear();
    wake_ = [] {};
  }
  std::size_t Below(std::size_t bound) { return std::uniform_int_distribution<std::size_t>(0, bound - 1)(random_); }
  bool OneIn(std::size_t n) { return Below(n) == 0; }

 private:
  std::mt19937_64 random_;
  std::vector<std::function<void()>> events_;
  std::function<void()> wake_ = [] {};
};

// Gives batches now or later.
class SimulatedSource final : public connectors::Source {
 public:
  // Without events nothing is ever late.
  SimulatedSource(arrow::RecordBatchVector batches, std::shared_ptr<arrow::Schema> schema,
                  std::shared_ptr<Events> events)
      : batches_(std::move(batches)), schema_(std::move(schema)), events_(std::move(events)) {}

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }
  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* batch) override;
  arrow::Result<bool> TryNext(std::shared_ptr<arrow::RecordBatch>* batch) override;
  void set_wake(std::function<void()> wake) override { wake_ = std::move(wake); }

 private:
  arrow::RecordBatchVector batches_;
  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<Events> events_;
  std::function<void()> wake_;
  std::size_t next_ = 0;
  bool coming_ = false;  // An event will say that the next batch is there.
  bool there_ = false;
  std::shared_ptr<bool> open_ = std::make_shared<bool>();  // Events that come later see that it is not.
};

// What may be different from the real world.
struct WorldOptions {
  bool network = false;  // Some edges cross one, which delays, and keeps the order of a connection only.
  bool breaks = false;   // One of its connections breaks at some time.
  int64_t disk_bytes = int64_t{1} << 30;
  std::shared_ptr<env::SimulatedStorage> disk = nullptr;    // Instead of a new one,
  std::shared_ptr<env::Storage> checkpoints_on = nullptr;  // and of that, for checkpoints.
};

class SimulatedWorld : public engine::World {
 public:
  explicit SimulatedWorld(std::shared_ptr<Events> events, WorldOptions options = {});
  ~SimulatedWorld() override;

  bool ends_here() const override { return true; }
  void Begin(engine::TaskScheduler& scheduler) override;
  arrow::Result<std::vector<engine::ChannelEnds>> Connect(
      const graph::ShuffleEdge& edge, const std::shared_ptr<arrow::Schema>& schema,
      const std::vector<std::shared_ptr<shuffle::FloatingCredits>>& credits) override;
  arrow::Result<env::StoragePath> Storage(const std::string& folder) override;
  env::Background& background() override { return background_; }
  env::Background& writer() override { return writer_; }
  void End() override;
  arrow::Result<std::unique_ptr<connectors::Sink>> Behind(std::unique_ptr<connectors::Sink> sink) override {
    return sink;
  }

 protected:
  std::shared_ptr<Events> events_;

 private:
  // Each job is an event, and so done at any time, in any order.
  class DoneAnyTime final : public env::Background {
   public:
    explicit DoneAnyTime(std::shared_ptr<Events> events) : events_(std::move(events)) {}
    void Post(std::function<void()> job) override {
      events_->Add([job = std::move(job), wanted = std::weak_ptr(wanted_)] {
        if (!wanted.expired()) job();
      });
    }
    void Drop() { wanted_ = std::make_shared<bool>(); }  // What was posted before is not done.

   private:
    std::shared_ptr<Events> events_;
    std::shared_ptr<bool> wanted_ = std::make_shared<bool>();
  };
  class Watched;

  void Deliver();  // Adds the event that something arrives.
  void BreakAfter(std::size_t events);

  WorldOptions options_;
  std::shared_ptr<env::SimulatedStorage> disk_;
  DoneAnyTime background_;
  DoneAnyTime writer_;
  env::SimulatedNetwork network_;
  std::unique_ptr<env::Transport> transport_;
  std::size_t streams_ = 0;  // Of all jobs.
  std::vector<std::unique_ptr<shuffle::RemoteSender>> senders_;
  std::vector<std::unique_ptr<shuffle::RemoteReceiver>> receivers_;
};

}  // namespace sabot::simulation
