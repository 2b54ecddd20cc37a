// A channel that takes rows to disk where its receiver is slow, so that the sender may run ahead: for edges that say
// so. Arrow IPC files of one batch each, LZ4, which anybody can open while they are there: {folder}/{part}-{n}.arrow.
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "sabot/env/background.h"
#include "sabot/env/storage.h"
#include "sabot/shuffle/channel.h"

namespace sabot::shuffle {

enum class SpillWhen {
  kOverflow,  // What the channel has no credits for.
  kAlways,    // All rows, for one who will not take any before the end.
};

struct SpillSettings {
  SpillWhen when = SpillWhen::kOverflow;
  std::string folder;                        // {spill}/{job}/{attempt}/{edge}; made when it is needed.
  int64_t edge_bytes_max = int64_t{8} << 30;  // Of the rows in all files of the edge; then the sender waits.
  int64_t batch_bytes = int64_t{2} << 20;  // Of the rows of a file. A channel holds up to three such batches in memory.
};

// What the channels of an edge share. Any thread. `storage` and `background` outlive it, and all its channels.
class SpillEdge {
 public:
  SpillEdge(SpillSettings settings, env::Storage& storage, env::Background& background)
      : settings_(std::move(settings)), storage_(storage), background_(background) {}

  const SpillSettings& settings() const { return settings_; }
  env::Storage& storage() const { return storage_; }
  env::Background& background() const { return background_; }
  int64_t bytes() const;  // Of the rows in files now.

  // Who was refused, and is told once when files were removed.
  class Waiter {
   public:
    virtual ~Waiter() = default;
    virtual void OnSpace() = 0;
  };
  bool Reserve(int64_t bytes, const std::shared_ptr<Waiter>& waiter);
  void Return(int64_t bytes);

 private:
  const SpillSettings settings_;
  env::Storage& storage_;
  env::Background& background_;
  mutable std::mutex mutex_;
  int64_t bytes_ = 0;
  std::vector<std::weak_ptr<Waiter>> refused_;
};

// `inner` with room on disk behind what it holds; its wakes are the new channel's from now on. All of the disk's work,
// and what follows from it, happens on the edge's background thread. A full disk is like a full edge: rows stay in
// memory and the sender waits. What cannot be read back is an error at both ends, where both are here. Files are
// removed as their rows are read, and all of them once the channel is gone.
std::shared_ptr<Channel> MakeSpillingChannel(std::shared_ptr<Channel> inner, std::shared_ptr<SpillEdge> edge,
                                             std::string part);

}  // namespace sabot::shuffle
