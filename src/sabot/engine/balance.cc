#include "sabot/engine/balance.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <string>

#include "sabot/data/errors.h"

namespace sabot::engine {
namespace {

class Balancing {
 public:
  Balancing(std::span<const int64_t> rows_of_group, const data::KeyGroupTable& table, double tolerance)
      : rows_(rows_of_group),
        owner_(table.task_of_group().begin(), table.task_of_group().end()),
        load_(static_cast<std::size_t>(table.tasks())),
        stays_(load_.size(), false) {
    int64_t all = 0;
    for (std::size_t group = 0; group < rows_.size(); ++group) {
      load_[owner_[group]] += rows_[group];
      all += rows_[group];
    }
    limit_ = tolerance * static_cast<double>(all) / static_cast<double>(load_.size());
  }

  int64_t hottest() const { return *std::max_element(load_.begin(), load_.end()); }
  const std::vector<std::size_t>& owner() const { return owner_; }

  // One group to the coldest copy, from the hottest that can still give one. False: none can. Each step makes the sum
  // of the squares of loads smaller, so this ends.
  bool Step() {
    for (;;) {
      const auto from = HottestThatGives();
      if (!from) return false;
      const auto to = static_cast<std::size_t>(std::min_element(load_.begin(), load_.end()) - load_.begin());
      if (const auto group = Choose(*from, to)) {
        owner_[*group] = to;
        load_[*from] -= rows_[*group];
        load_[to] += rows_[*group];
        return true;
      }
      stays_[*from] = true;
    }
  }

 private:
  std::optional<std::size_t> HottestThatGives() const {
    std::optional<std::size_t> hottest;
    for (std::size_t copy = 0; copy < load_.size(); ++copy) {
      if (stays_[copy] || static_cast<double>(load_[copy]) <= limit_) continue;
      if (!hottest || load_[copy] > load_[*hottest]) hottest = copy;
    }
    return hottest;
  }

  // The smallest group that is enough; if none is, the largest; both of those that fit. If none fits, the one that
  // leaves the two copies nearest to each other.
  std::optional<std::size_t> Choose(std::size_t from, std::size_t to) const {
    std::optional<std::size_t> enough, largest, nearest;
    int64_t nearest_load = load_[from];
    for (std::size_t group = 0; group < rows_.size(); ++group) {
      const int64_t rows = rows_[group];
      const int64_t then = load_[to] + rows;
      if (owner_[group] != from || rows == 0 || then >= load_[from]) continue;
      if (load_[to] == 0 || static_cast<double>(then) <= limit_) {
        const bool is_enough = static_cast<double>(load_[from] - rows) <= limit_;
        if (is_enough && (!enough || rows < rows_[*enough])) enough = group;
        if (!largest || rows > rows_[*largest]) largest = group;
      }
      if (const int64_t hotter = std::max(then, load_[from] - rows); hotter < nearest_load) {
        nearest_load = hotter;
        nearest = group;
      }
    }
    if (enough) return enough;
    return largest ? largest : nearest;
  }

  const std::span<const int64_t> rows_;
  std::vector<std::size_t> owner_;  // By group.
  std::vector<int64_t> load_;  // By copy.
  std::vector<bool> stays_;  // Copies that have nothing to give.
  double limit_ = 0;
};

}  // namespace

arrow::Status CheckBalance(const BalanceOptions& options) {
  if (!(options.tolerance >= 1) || !std::isfinite(options.tolerance)) {
    return data::OptionError("balance: tolerance is " + std::to_string(options.tolerance) +
                             ", expected at least 1: so many times the mean may the hottest copy have. Use 1.2.");
  }
  if (!(options.gain >= 0 && options.gain < 1)) {
    return data::OptionError("balance: gain is " + std::to_string(options.gain) +
                             ", expected 0 or more and below 1, a share of the hottest copy's rows. Use 0.1.");
  }
  return arrow::Status::OK();
}

arrow::Result<std::vector<data::KeyGroupTable::Move>> Balance(std::span<const int64_t> rows_of_group,
                                                              const data::KeyGroupTable& table,
                                                              const BalanceOptions& options) {
  ARROW_RETURN_NOT_OK(CheckBalance(options));
  if (rows_of_group.size() != static_cast<std::size_t>(table.groups())) {
    return data::OptionError("balance: there are " + std::to_string(rows_of_group.size()) +
                             " counts of rows, expected one for each of " + std::to_string(table.groups()) +
                             " key groups.");
  }
  for (std::size_t group = 0; group < rows_of_group.size(); ++group) {
    if (rows_of_group[group] >= 0) continue;
    return data::OptionError("balance: key group " + std::to_string(group) + " has " +
                             std::to_string(rows_of_group[group]) + " rows, expected 0 or more.");
  }
  Balancing balancing(rows_of_group, table, options.tolerance);
  const int64_t before = balancing.hottest();
  for (std::size_t steps = 0; steps < rows_of_group.size() && balancing.Step();) ++steps;
  std::vector<data::KeyGroupTable::Move> moves;
  const auto gained = static_cast<double>(before - balancing.hottest());
  if (gained == 0 || gained < options.gain * static_cast<double>(before)) return moves;
  for (int32_t group = 0; group < table.groups(); ++group) {
    const auto owner = static_cast<int32_t>(balancing.owner()[static_cast<std::size_t>(group)]);
    if (owner != table.TaskOf(group)) moves.push_back({.group = group, .task = owner});
  }
  return moves;
}

}  // namespace sabot::engine
