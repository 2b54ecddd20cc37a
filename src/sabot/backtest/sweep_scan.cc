#include <exception>
#include <utility>

#include "sabot/backtest/sweep_scan_internal.h"

namespace sabot::backtest::internal {

Scan::Scan(const SweepPlan& plan, std::size_t security, int64_t first_set, int64_t sets, int64_t batch_rows)
    : plan_(plan),
      security_(security),
      first_set_(first_set),
      batch_rows_(batch_rows),
      simulations_(static_cast<std::size_t>(sets)) {
  for (auto& slot : simulations_) slot.row.security = plan.securities[security].security;
}

arrow::Status Scan::Run(int64_t item) {
  if (item > 0) return Advance(simulations_[static_cast<std::size_t>(item - 1)], first_set_ + item - 1);
  if (!finishing_) read_ = Read();
  return arrow::Status::OK();
}

bool Scan::EndRound() {
  if (current_) rows_ += current_->size();
  current_.reset();
  if (finishing_) return false;
  if (!read_.ok()) {
    for (auto& slot : simulations_) {
      slot.simulation.reset();
      if (slot.row.error.empty()) slot.row.error = read_.message();
    }
    return false;
  }
  current_ = std::exchange(next_, std::nullopt);
  finishing_ = at_end_;
  return true;
}

std::vector<SummaryRow> Scan::TakeRows() {
  std::vector<SummaryRow> rows;
  for (auto& slot : simulations_) rows.push_back(std::move(slot.row));
  return rows;
}

arrow::Status Scan::Read() {
  // Simulations need the market of the file before they can be made.
  if (!reader_.is_open()) return reader_.Open(plan_.securities[security_], batch_rows_);
  ARROW_ASSIGN_OR_RAISE(next_, reader_.Next());
  at_end_ = !next_;
  return arrow::Status::OK();
}

arrow::Status Scan::Advance(Slot& slot, int64_t set) const {
  if (!slot.row.error.empty() || (!current_ && !finishing_)) return arrow::Status::OK();
  arrow::Status status;
  try {
    status = TryAdvance(slot, set);
  } catch (const std::exception& error) {  // Of a strategy in C++: ours throw nothing.
    status = arrow::Status::UnknownError("the strategy threw an exception: ", error.what());
  }
  if (status.ok() || status.IsCancelled()) return status;
  slot.row.outcome.reset();
  slot.row.error = status.message().empty() ? "the strategy failed without a message" : status.message();
  slot.simulation.reset();
  return arrow::Status::OK();
}

arrow::Status Scan::TryAdvance(Slot& slot, int64_t set) const {
  if (!slot.simulation) {
    ARROW_ASSIGN_OR_RAISE(const auto config, plan_.run.config.With(plan_.sets.Set(set)));
    ARROW_ASSIGN_OR_RAISE(slot.simulation,
                          MakeSimulation(plan_.run.strategy, config, slot.row.security, reader_.info().market,
                                         {.venue = {}, .equity_interval_ns = 0, .keep_trades = false}));
  }
  if (current_) return slot.simulation->Push(*current_);
  ARROW_ASSIGN_OR_RAISE(slot.row.outcome, slot.simulation->Finish());
  slot.row.rejected = reader_.info().rejected;
  slot.simulation.reset();
  return arrow::Status::OK();
}

}  // namespace sabot::backtest::internal
