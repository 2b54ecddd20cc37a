// Key -> key group -> task. The groups of a job are fixed for its life, and state is kept by group, so that a job can
// be rescaled, and a hot task relieved, by a change of the table from groups to tasks.
#pragma once

#include <arrow/result.h>

#include <bit>
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

namespace sabot::data {

inline constexpr int32_t kKeyGroups = 256;        // Unless a job says otherwise.
inline constexpr int32_t kKeyGroupsMax = 32'768;  // Of tasks there are at most as many.

// hash mod groups, without a division: Lemire, Kaser & Kurz (2019), "Faster remainder by direct computation".
class KeyGroups {
 public:
  // `groups` is in [1, kKeyGroupsMax].
  explicit KeyGroups(int32_t groups)
      : groups_(static_cast<uint32_t>(groups)), reciprocal_(~uint64_t{0} / groups_ + 1) {}

  int32_t size() const { return static_cast<int32_t>(groups_); }
  uint16_t Of(uint32_t hash) const {
    __extension__ using Wide = unsigned __int128;
    return static_cast<uint16_t>(static_cast<Wide>(reciprocal_ * hash) * groups_ >> 64);
  }
  void Of(std::span<const uint32_t> hashes, uint16_t* out) const {
    if (std::has_single_bit(groups_)) {
      for (const uint32_t hash : hashes) *out++ = static_cast<uint16_t>(hash & (groups_ - 1));
    } else {
      for (const uint32_t hash : hashes) *out++ = Of(hash);
    }
  }

 private:
  uint32_t groups_;
  uint64_t reciprocal_;  // 2^64 / groups, rounded up; 0 for one group.
};

// Which task owns each group. A value: a change makes a new table with the next version.
class KeyGroupTable {
 public:
  // Group g to task g * tasks / groups, version 0. Errors (kOption): groups out of [1, 32768], tasks out of [1,
  // groups].
  static arrow::Result<KeyGroupTable> Make(int32_t groups, int32_t tasks);
  // As a manifest has it. Errors (kOption): the same, a negative version, a task out of [0, tasks).
  static arrow::Result<KeyGroupTable> Of(std::vector<int32_t> task_of_group, int32_t tasks, int64_t version);

  struct Move {
    int32_t group = 0;
    int32_t task = 0;
  };
  // Errors (kOption): a group or a task that does not exist, a group that moves twice.
  arrow::Result<KeyGroupTable> With(std::span<const Move> moves) const;
  // As Make() gives them, for another number of tasks.
  arrow::Result<KeyGroupTable> Rescaled(int32_t tasks) const;

  int32_t groups() const { return static_cast<int32_t>(task_of_group_.size()); }
  int32_t tasks() const { return tasks_; }
  int64_t version() const { return version_; }
  std::span<const uint16_t> task_of_group() const { return task_of_group_; }
  uint16_t TaskOf(int32_t group) const { return task_of_group_[static_cast<std::size_t>(group)]; }

  friend bool operator==(const KeyGroupTable&, const KeyGroupTable&) = default;

 private:
  KeyGroupTable(std::vector<uint16_t> task_of_group, int32_t tasks, int64_t version)
      : task_of_group_(std::move(task_of_group)), tasks_(tasks), version_(version) {}

  std::vector<uint16_t> task_of_group_;
  int32_t tasks_ = 0;
  int64_t version_ = 0;
};

}  // namespace sabot::data
