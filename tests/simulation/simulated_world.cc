#include "tests/simulation/simulated_world.h"

namespace sabot::simulation {
namespace {

constexpr char kAddress[] = "worker";

class Outside final : public engine::Task {
 public:
  explicit Outside(std::shared_ptr<Events> events) : events_(std::move(events)) {}
  std::string_view name() const override { return "outside"; }
  bool outside() const override { return true; }
  arrow::Result<engine::Turn> Step() override {
    if (events_->empty()) return engine::Turn::kNoInput;
    events_->HappenOne();
    return engine::Turn::kMore;
  }

 private:
  std::shared_ptr<Events> events_;
};

}  // namespace

arrow::Status SimulatedSource::ReadNext(std::shared_ptr<arrow::RecordBatch>* batch) {
  *batch = next_ < batches_.size() ? batches_[next_++] : nullptr;
  return arrow::Status::OK();
}

arrow::Result<bool> SimulatedSource::TryNext(std::shared_ptr<arrow::RecordBatch>* batch) {
  *batch = nullptr;
  if (events_ == nullptr || there_ || events_->OneIn(2)) {
    there_ = false;
    ARROW_RETURN_NOT_OK(ReadNext(batch));
    return true;
  }
  if (!std::exchange(coming_, true)) {
    events_->Add([this, open = std::weak_ptr(open_)] {
      if (open.expired()) return;
      coming_ = false;
      there_ = true;
      wake_();
    });
  }
  return false;
}

// A connection that says when something was put into it.
class SimulatedWorld::Watched final : public env::Connection {
 public:
  Watched(std::unique_ptr<env::Connection> inner, SimulatedWorld& world) : inner_(std::move(inner)), world_(world) {}
  ~Watched() override {
    inner_ = nullptr;
    world_.Deliver();
  }
  const std::string& peer() const override { return inner_->peer(); }
  void Start(OnMessage on_message, OnClose on_close) override {
    inner_->Start(std::move(on_message), std::move(on_close));
  }
  arrow::Status Send(env::Message message) override {
    ARROW_RETURN_NOT_OK(inner_->Send(std::move(message)));
    world_.Deliver();
    return arrow::Status::OK();
  }
  void Close() override {
    inner_->Close();
    world_.Deliver();
  }

 private:
  std::unique_ptr<env::Connection> inner_;
  SimulatedWorld& world_;
};

SimulatedWorld::SimulatedWorld(std::shared_ptr<Events> events, WorldOptions options)
    : events_(std::move(events)),
      options_(options),
      disk_(options.disk != nullptr ? options.disk : env::MakeSimulatedStorage(options.disk_bytes)),
      background_(events_),
      writer_(events_),
      transport_(network_.MakeTransport(kAddress)) {
  if (options_.breaks) BreakAfter(events_->Below(60));
}

void SimulatedWorld::BreakAfter(std::size_t events) {
  events_->Add([this, events] {
    if (events > 0) return BreakAfter(events - 1);
    if (!network_.BreakOne([this](std::size_t count) { return events_->Below(count); })) return;
    Deliver();  // To both ends.
    Deliver();
  });
}

SimulatedWorld::~SimulatedWorld() {
  events_->Stop();
  receivers_.clear();
  senders_.clear();
}

void SimulatedWorld::End() {
  events_->set_wake([] {});
  background_.Drop();
  receivers_.clear();
  senders_.clear();
}

void SimulatedWorld::Begin(engine::TaskScheduler& scheduler) {
  const int task = scheduler.Add(std::make_unique<Outside>(events_));
  events_->set_wake([&scheduler, task] { scheduler.Wake(task); });
}

void SimulatedWorld::Deliver() {
  events_->Add([this] { network_.DeliverOne([this](std::size_t count) { return events_->Below(count); }); });
}

arrow::Result<std::vector<engine::ChannelEnds>> SimulatedWorld::Connect(
    const graph::ShuffleEdge& edge, const std::shared_ptr<arrow::Schema>& schema,
    const std::vector<std::shared_ptr<shuffle::FloatingCredits>>& credits) {
  if (!options_.network || events_->OneIn(3)) return World::Connect(edge, schema, credits);
  shuffle::RemoteStream stream;
  stream.hello.job = "simulated";
  stream.hello.edge = std::to_string(streams_);
  stream.schema = schema;
  for (const auto& [from, to] : edge.channels) {
    stream.channels.push_back({.up = static_cast<uint16_t>(from), .part = static_cast<uint16_t>(to)});
  }
  const std::string path = "/shuffle/" + std::to_string(streams_++);
  ARROW_ASSIGN_OR_RAISE(auto sender, shuffle::RemoteSender::Make(stream, credits.front()->settings()));
  ARROW_RETURN_NOT_OK(
      transport_->Listen(path, [this, sender = sender.get()](std::unique_ptr<env::Connection> connection) {
        sender->Accept(std::make_unique<Watched>(std::move(connection), *this));
      }));
  ARROW_ASSIGN_OR_RAISE(auto connection, transport_->Connect(kAddress, path));
  Deliver();
  ARROW_ASSIGN_OR_RAISE(auto receiver, shuffle::RemoteReceiver::Make(
                                           stream, credits, std::make_unique<Watched>(std::move(connection), *this)));
  std::vector<engine::ChannelEnds> ends;
  for (std::size_t i = 0; i < edge.channels.size(); ++i) {
    ends.push_back({.sender = sender->channels()[i], .receiver = receiver->channels()[i]});
  }
  senders_.push_back(std::move(sender));
  receivers_.push_back(std::move(receiver));
  return ends;
}

arrow::Result<env::StoragePath> SimulatedWorld::Storage(const std::string& folder) {
  if (folder == "checkpoints" && options_.checkpoints_on != nullptr) {
    return env::StoragePath{.storage = options_.checkpoints_on, .path = folder};
  }
  return env::StoragePath{.storage = disk_, .path = folder};
}

}  // namespace sabot::simulation
