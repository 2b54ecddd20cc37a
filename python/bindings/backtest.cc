// Backtests: strategies that have names, runs over files and tables, paper trading.
#include <arrow/record_batch.h>
#include <arrow/table.h>
#include <nanobind/nanobind.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "python/bindings/arrow_capsules.h"
#include "python/bindings/backtest_strategy.h"
#include "python/bindings/errors.h"
#include "python/bindings/interrupt.h"
#include "python/bindings/module.h"
#include "python/bindings/python_call.h"
#include "python/bindings/strategy_view.h"
#include "sabot/backtest/activity_file.h"
#include "sabot/backtest/paper.h"
#include "sabot/backtest/result_folder.h"
#include "sabot/backtest/run.h"
#include "sabot/backtest/strategy_library.h"
#include "sabot/engine/morsel_runner.h"

namespace sabot::python {
namespace {

using backtest::SecurityResult;
using backtest::SecurityTicks;

// (security, path, rows, error).
nb::tuple TicksToPython(const SecurityTicks& ticks) {
  return nb::make_tuple(ticks.security, ticks.path, ticks.rows, ticks.error);
}

SecurityTicks TicksFromPython(const nb::handle& ticks) {
  const auto fields = nb::cast<nb::tuple>(ticks);
  return {.security = nb::cast<std::string>(fields[0]),
          .path = nb::cast<std::string>(fields[1]),
          .rows = nb::cast<int64_t>(fields[2]),
          .error = nb::cast<std::string>(fields[3])};
}

// Tick files, files to convert, and what was passed over.
nb::tuple FindTicks(const std::vector<std::string>& paths) {
  backtest::FoundTicks found;
  {
    const nb::gil_scoped_release released;
    found = Check(backtest::FindTicks(paths));
  }
  nb::list ticks;
  for (const auto& each : found.ticks) ticks.append(TicksToPython(each));
  return nb::make_tuple(ticks, found.to_convert, found.passed_over);
}

nb::list Entries(const std::vector<const backtest::StrategyInfo*>& infos) {
  nb::list list;
  for (const auto* const info : infos) {
    nb::list parameters;
    for (const auto& parameter : info->parameters) parameters.append(Describe(parameter));
    nb::dict entry;
    entry["name"] = info->name;
    entry["summary"] = info->summary;
    entry["source"] = info->source;
    entry["parameters"] = parameters;
    list.append(entry);
  }
  return list;
}

nb::list Strategies() { return Entries(backtest::Strategies()); }

nb::list LoadStrategies(const std::string& path) { return Entries(Check(backtest::LoadStrategies(path))); }

nb::list VenueParameters() {
  nb::list parameters;
  for (const auto& parameter : backtest::VenueParameters()) parameters.append(Describe(parameter));
  return parameters;
}

backtest::RunOptions Options(int workers, int64_t chunk_size, std::string folder, bool parquet, bool keep) {
  return {.workers = workers > 0 ? workers : engine::DefaultExecutor()->concurrency(),
          .chunk_rows = chunk_size,
          .folder = std::move(folder),
          .parquet = parquet,
          .keep_rows = keep};
}

// Gives the GIL away, unless a Python strategy needs it at each tick: taken and given a million times a second, it
// would go to other threads for milliseconds each time.
class MaybeReleased {
 public:
  explicit MaybeReleased(bool release) {
    if (release) released_.emplace();
  }

 private:
  std::optional<nb::gil_scoped_release> released_;
};

// A strategy with its configuration, checked.
class Plan {
 public:
  Plan(const nb::object& strategy, const std::string& config, const nb::dict& overrides)
      : is_python_(!nb::isinstance<nb::str>(strategy)), plan_(PlanFromPython(strategy, config, overrides)) {}

  const std::string& name() const { return plan_.strategy.name; }

  // The same with other values of all securities.
  Plan With(const nb::dict& parameters) const {
    return {is_python_, {.strategy = plan_.strategy, .config = Check(plan_.config.With(ValuesFromPython(parameters)))}};
  }

  std::vector<SecurityResult> Run(const nb::list& securities, int workers, int64_t chunk_size, std::string folder,
                                  bool parquet, bool keep, const nb::object& progress) const {
    std::vector<SecurityTicks> ticks;
    for (const nb::handle each : securities) ticks.push_back(TicksFromPython(each));
    const auto options = Options(workers, chunk_size, std::move(folder), parquet, keep);
    backtest::WatchProgress watch;
    if (!progress.is_none()) {
      watch = [called = Share(progress)](const backtest::RunProgress& now) {
        return CallPython(
                   [&] { return (*called)(now.rows, now.rows_all, now.securities, now.securities_all).is_none(); })
            .status();
      };
    }
    PythonInterrupt interrupt;
    const nb::gil_scoped_release released;
    return Check(backtest::RunSecurities(plan_, ticks, options, interrupt, watch));
  }

  SecurityResult RunOne(const nb::tuple& security, int64_t chunk_size, std::string folder, bool parquet, bool keep,
                        const nb::object& progress) const {
    const auto ticks = TicksFromPython(security);
    const auto options = Options(1, chunk_size, std::move(folder), parquet, keep);
    const auto called = Share(progress);
    arrow::Status stopped;  // What the caller's function raised is no mistake of the security.
    const auto after_rows = [&](int64_t rows) {
      const nb::gil_scoped_acquire gil;
      if (!called->is_none()) stopped = CallPython([&] { return (*called)(rows).is_none(); }).status();
      if (stopped.ok() && PyErr_CheckSignals() != 0) stopped = StatusOf(nb::python_error());
      return stopped.ok() ? stopped : arrow::Status::Cancelled("stopped");
    };
    const MaybeReleased released(!is_python_);
    auto result = backtest::RunSecurity(plan_, ticks, options, after_rows);
    Check(stopped);
    return Check(std::move(result));
  }

  SecurityResult RunTable(const nb::object& data, const std::string& security, int64_t chunk_size, std::string folder,
                          bool parquet) const {
    const auto reader = ImportReader(data);
    const auto options = Options(1, chunk_size, std::move(folder), parquet, /*keep=*/true);
    PythonInterrupt interrupt;
    const MaybeReleased released(!is_python_);
    return Check(backtest::RunTicks(plan_, security, *reader, options, interrupt));
  }

  const backtest::RunPlan& plan() const { return plan_; }
  bool is_python() const { return is_python_; }

 private:
  Plan(bool is_python, backtest::RunPlan plan) : is_python_(is_python), plan_(std::move(plan)) {}

  bool is_python_;
  backtest::RunPlan plan_;
};

class Paper {
 public:
  Paper(const Plan& plan, std::string by)
      : is_python_(plan.is_python()), paper_(backtest::PaperTrading::Make(plan.plan(), std::move(by))) {}

  ArrowResult Push(const nb::object& data) {
    const auto reader = ImportReader(data);
    const MaybeReleased released(!is_python_);
    arrow::RecordBatchVector fills;
    for (;;) {
      const auto batch = Check(reader->Next());
      if (batch == nullptr) break;
      fills.push_back(Check(paper_->Push(batch)));
    }
    if (fills.empty()) fills.push_back(Check(paper_->Push(Check(arrow::RecordBatch::MakeEmpty(reader->schema())))));
    return ArrowResult(Check(arrow::ConcatenateRecordBatches(fills)));
  }
  ArrowResult Finish() {
    const MaybeReleased released(!is_python_);
    return ArrowResult(Check(paper_->Finish()));
  }

 private:
  bool is_python_;
  std::unique_ptr<backtest::PaperTrading> paper_;
};

nb::tuple ActivityState(const backtest::Activity& activity) {
  const auto& orders = activity.orders;
  return nb::make_tuple(activity.session, activity.outside_session, activity.book_missing, activity.market_trades,
                        orders.sent, orders.cut, orders.refused);
}

backtest::Activity ActivityOf(const nb::tuple& state) {
  return {.session = nb::cast<std::string>(state[0]),
          .outside_session = nb::cast<int64_t>(state[1]),
          .book_missing = nb::cast<int64_t>(state[2]),
          .market_trades = nb::cast<int64_t>(state[3]),
          .orders = {.sent = nb::cast<int64_t>(state[4]),
                     .cut = nb::cast<int64_t>(state[5]),
                     .refused = nb::cast<decltype(backtest::OrderCounts::refused)>(state[6])}};
}

// The rows of the summary, without tables: between processes.
nb::tuple StateOf(const SecurityResult& result) {
  const auto& summary = result.summary;
  if (!summary.outcome) return nb::make_tuple(summary.security, summary.error, summary.rejected, result.read_failed);
  const auto& outcome = *summary.outcome;
  return nb::make_tuple(summary.security, summary.error, summary.rejected, outcome.trades, outcome.realized_pnl,
                        outcome.market_dates, outcome.strategy_dates, outcome.final_position, outcome.volume,
                        outcome.fees, outcome.max_drawdown, outcome.sharpe, outcome.win_rate, outcome.rows,
                        outcome.crossed, outcome.orders_rejected, outcome.daily_pnl, outcome.dates,
                        ActivityState(outcome.activity), outcome.equity_interval_ns);
}

void SetState(SecurityResult& result, const nb::tuple& state) {
  new (&result) SecurityResult{.summary = {.security = nb::cast<std::string>(state[0]),
                                           .rejected = nb::cast<int64_t>(state[2]),
                                           .error = nb::cast<std::string>(state[1])}};
  if (state.size() == 4) {
    result.read_failed = nb::cast<bool>(state[3]);
    return;
  }
  result.summary.outcome = backtest::Outcome{.trades = nb::cast<int64_t>(state[3]),
                                             .realized_pnl = nb::cast<double>(state[4]),
                                             .market_dates = nb::cast<int64_t>(state[5]),
                                             .strategy_dates = nb::cast<int64_t>(state[6]),
                                             .final_position = nb::cast<double>(state[7]),
                                             .volume = nb::cast<double>(state[8]),
                                             .fees = nb::cast<double>(state[9]),
                                             .max_drawdown = nb::cast<double>(state[10]),
                                             .sharpe = nb::cast<std::optional<double>>(state[11]),
                                             .win_rate = nb::cast<std::optional<double>>(state[12]),
                                             .rows = nb::cast<int64_t>(state[13]),
                                             .crossed = nb::cast<int64_t>(state[14]),
                                             .orders_rejected = nb::cast<int64_t>(state[15]),
                                             .daily_pnl = nb::cast<std::vector<double>>(state[16]),
                                             .dates = nb::cast<std::vector<int64_t>>(state[17]),
                                             .equity_interval_ns = nb::cast<int64_t>(state[19]),
                                             .activity = ActivityOf(nb::cast<nb::tuple>(state[18]))};
}

nb::object TableOf(const std::shared_ptr<arrow::RecordBatch>& batch) {
  return batch == nullptr ? nb::none() : nb::cast(ArrowResult(batch));
}

std::vector<backtest::SummaryRow> RowsOf(const std::vector<SecurityResult>& results) {
  std::vector<backtest::SummaryRow> rows;
  for (const auto& each : results) rows.push_back(each.summary);
  return rows;
}

template <class T>
auto FromOutcome(T backtest::Outcome::* member) {
  return [member](const SecurityResult& result) -> std::optional<T> {
    return result.summary.outcome ? std::optional((*result.summary.outcome).*member) : std::nullopt;
  };
}

}  // namespace

void RegisterBacktest(nb::module_& module) {
  RegisterStrategyView(module);
  nb::class_<SecurityResult>(module, "SecurityResult", "What a security's run came to.")
      .def(
          "__init__",
          [](SecurityResult* self, std::string security, std::string error) {
            new (self) SecurityResult{.summary = {.security = std::move(security), .error = std::move(error)}};
          },
          nb::arg("security"), nb::arg("error"))
      .def("__getstate__", &StateOf)
      .def("__setstate__", &SetState)
      .def_prop_ro("security", [](const SecurityResult& result) { return result.summary.security; })
      .def_prop_ro("error", [](const SecurityResult& result) { return result.summary.error; })
      .def_ro("read_failed", &SecurityResult::read_failed)
      .def_prop_ro("rejected", [](const SecurityResult& result) { return result.summary.rejected; })
      .def_prop_ro("trades", FromOutcome(&backtest::Outcome::trades))
      .def_prop_ro("realized_pnl", FromOutcome(&backtest::Outcome::realized_pnl))
      .def_prop_ro("fees", FromOutcome(&backtest::Outcome::fees))
      .def_prop_ro("volume", FromOutcome(&backtest::Outcome::volume))
      .def_prop_ro("final_position", FromOutcome(&backtest::Outcome::final_position))
      .def_prop_ro("max_drawdown", FromOutcome(&backtest::Outcome::max_drawdown))
      .def_prop_ro("rows", FromOutcome(&backtest::Outcome::rows))
      .def_prop_ro("crossed", FromOutcome(&backtest::Outcome::crossed))
      .def_prop_ro("orders_rejected", FromOutcome(&backtest::Outcome::orders_rejected))
      .def_prop_ro("daily_pnl", FromOutcome(&backtest::Outcome::daily_pnl))
      .def_prop_ro("sharpe",
                   [](const SecurityResult& result) {
                     return result.summary.outcome ? result.summary.outcome->sharpe : std::nullopt;
                   })
      .def_prop_ro("activity",
                   [](const SecurityResult& result) -> nb::object {
                     if (!result.summary.outcome) return nb::none();
                     const std::string& session = result.summary.outcome->activity.session;
                     nb::dict activity;
                     activity["session"] = session.empty() ? nb::none() : nb::cast(session);
                     for (const auto& [name, count] : backtest::ActivityCounts(*result.summary.outcome)) {
                       activity[name.c_str()] = count;
                     }
                     return activity;
                   })
      .def_prop_ro("trade_table", [](const SecurityResult& result) { return TableOf(result.trades); })
      .def_prop_ro("equity_table", [](const SecurityResult& result) { return TableOf(result.equity); });

  nb::class_<Plan>(module, "BacktestPlan", "A strategy with its configuration.")
      .def(nb::init<nb::object, std::string, nb::dict>(), nb::arg("strategy"), nb::arg("config"), nb::arg("overrides"))
      .def_prop_ro("name", &Plan::name)
      .def("with_parameters", &Plan::With, nb::arg("parameters"))
      .def("run", &Plan::Run, nb::arg("securities"), nb::arg("workers"), nb::arg("chunk_size"), nb::arg("folder"),
           nb::arg("parquet"), nb::arg("keep"), nb::arg("progress").none())
      .def("run_one", &Plan::RunOne, nb::arg("security"), nb::arg("chunk_size"), nb::arg("folder"), nb::arg("parquet"),
           nb::arg("keep"), nb::arg("progress").none())
      .def("run_table", &Plan::RunTable, nb::arg("data").none(), nb::arg("security"), nb::arg("chunk_size"),
           nb::arg("folder"), nb::arg("parquet"));
  nb::class_<Paper>(module, "PaperTrading", "A strategy on a stream of ticks.")
      .def(nb::init<const Plan&, std::string>(), nb::arg("plan"), nb::arg("by"))
      .def("push", &Paper::Push, nb::arg("data").none())
      .def("finish", &Paper::Finish);

  module.def("find_ticks", &FindTicks, nb::arg("paths"));
  module.def("strategies", &Strategies);
  module.def("load_strategies", &LoadStrategies, nb::arg("path"));
  module.def("venue_parameters", &VenueParameters);
  module.def(
      "backtest_summary",
      [](const std::vector<SecurityResult>& results) {
        return ArrowResult(Check(backtest::SummaryBatch(RowsOf(results))));
      },
      nb::arg("results"));
  module.def(
      "backtest_activity",
      [](const std::vector<SecurityResult>& results) {
        return ArrowResult(Check(backtest::ActivityBatch(RowsOf(results))));
      },
      nb::arg("results"));
  module.def(
      "write_backtest_summary",
      [](const std::string& folder, const std::vector<SecurityResult>& results, bool parquet) {
        Check(backtest::WriteSummary(folder, RowsOf(results), parquet));
      },
      nb::arg("folder"), nb::arg("results"), nb::arg("parquet"));
  module.def(
      "prepare_backtest_folder",
      [](const std::string& folder, const std::vector<std::string>& securities, bool parquet,
         const std::vector<std::string>& ticks) { Check(backtest::PrepareFolder(folder, securities, parquet, ticks)); },
      nb::arg("folder"), nb::arg("securities"), nb::arg("parquet"), nb::arg("ticks"));
}

}  // namespace sabot::python
