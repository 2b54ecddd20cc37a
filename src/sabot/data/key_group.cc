#include "sabot/data/key_group.h"

#include <cstddef>
#include <string>

#include "sabot/data/errors.h"

namespace sabot::data {
namespace {

arrow::Status CheckSizes(int64_t groups, int32_t tasks) {
  if (groups < 1 || groups > kKeyGroupsMax) {
    return OptionError("key groups: there must be 1 to " + std::to_string(kKeyGroupsMax) + ", found " +
                       std::to_string(groups) + ".");
  }
  if (tasks < 1 || tasks > groups) {
    return OptionError(
        "key groups: " + std::to_string(groups) + " groups cannot be shared by " + std::to_string(tasks) +
        " tasks; each owns at least one group. Lower the parallelism, or start " + "a new job with more key groups.");
  }
  return arrow::Status::OK();
}

arrow::Status NoSuchTask(int32_t group, int32_t task, int32_t tasks) {
  return OptionError("key groups: group " + std::to_string(group) + " is given to task " + std::to_string(task) +
                     ", the tasks are 0 to " + std::to_string(tasks - 1) + ".");
}

}  // namespace

arrow::Result<KeyGroupTable> KeyGroupTable::Make(int32_t groups, int32_t tasks) {
  ARROW_RETURN_NOT_OK(CheckSizes(groups, tasks));
  std::vector<uint16_t> task_of_group(static_cast<std::size_t>(groups));
  for (int32_t group = 0; group < groups; ++group)
    task_of_group[static_cast<std::size_t>(group)] = static_cast<uint16_t>(int64_t{group} * tasks / groups);
  return KeyGroupTable(std::move(task_of_group), tasks, 0);
}

arrow::Result<KeyGroupTable> KeyGroupTable::Of(std::vector<int32_t> task_of_group, int32_t tasks, int64_t version) {
  ARROW_RETURN_NOT_OK(CheckSizes(static_cast<int64_t>(task_of_group.size()), tasks));
  if (version < 0)
    return OptionError("key groups: a table's version must be >= 0, found " + std::to_string(version) + ".");
  std::vector<uint16_t> narrow(task_of_group.size());
  for (std::size_t group = 0; group < narrow.size(); ++group) {
    const int32_t task = task_of_group[group];
    if (task < 0 || task >= tasks) return NoSuchTask(static_cast<int32_t>(group), task, tasks);
    narrow[group] = static_cast<uint16_t>(task);
  }
  return KeyGroupTable(std::move(narrow), tasks, version);
}

arrow::Result<KeyGroupTable> KeyGroupTable::With(std::span<const Move> moves) const {
  std::vector<uint16_t> moved = task_of_group_;
  std::vector<bool> has_moved(moved.size());
  for (const auto& [group, task] : moves) {
    if (group < 0 || group >= groups()) {
      return OptionError("key groups: group " + std::to_string(group) + " cannot move, the groups are 0 to " +
                         std::to_string(groups() - 1) + ".");
    }
    if (task < 0 || task >= tasks_) return NoSuchTask(group, task, tasks_);
    if (has_moved[static_cast<std::size_t>(group)])
      return OptionError("key groups: group " + std::to_string(group) + " moves twice. Name each group once.");
    has_moved[static_cast<std::size_t>(group)] = true;
    moved[static_cast<std::size_t>(group)] = static_cast<uint16_t>(task);
  }
  return KeyGroupTable(std::move(moved), tasks_, version_ + 1);
}

arrow::Result<KeyGroupTable> KeyGroupTable::Rescaled(int32_t tasks) const {
  ARROW_ASSIGN_OR_RAISE(KeyGroupTable table, Make(groups(), tasks));
  table.version_ = version_ + 1;
  return table;
}

}  // namespace sabot::data
