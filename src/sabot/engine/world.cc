#include "sabot/engine/world.h"

#include <utility>

#include "sabot/connectors/write_behind.h"
#include "sabot/shuffle/local_channel.h"

namespace sabot::engine {

arrow::Result<std::vector<ChannelEnds>> World::Connect(
    const graph::ShuffleEdge& edge, const std::shared_ptr<arrow::Schema>& /*schema*/,
    const std::vector<std::shared_ptr<shuffle::FloatingCredits>>& credits) {
  std::vector<ChannelEnds> ends;
  for (std::size_t i = 0; i < edge.channels.size(); ++i) {
    const auto channel = shuffle::MakeLocalChannel(credits[i]);
    ends.push_back({.sender = channel, .receiver = channel});
  }
  return ends;
}

arrow::Result<env::StoragePath> World::Storage(const std::string& folder) { return env::StorageOf(folder); }

env::Background& World::background() {
  if (background_ == nullptr) background_ = env::MakeBackground();
  return *background_;
}

arrow::Result<std::unique_ptr<connectors::Sink>> World::Behind(std::unique_ptr<connectors::Sink> sink) {
  return connectors::WriteBehind(std::move(sink));
}

env::Background& World::writer() {
  if (writer_ == nullptr) writer_ = env::MakeBackground();
  return *writer_;
}

}  // namespace sabot::engine
