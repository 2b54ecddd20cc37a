// Sweeps: parameter sets, and what they come to over files of ticks.
#include "sabot/backtest/sweep.h"

#include <arrow/table.h>
#include <nanobind/nanobind.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "python/bindings/arrow_capsules.h"
#include "python/bindings/errors.h"
#include "python/bindings/interrupt.h"
#include "python/bindings/module.h"
#include "python/bindings/python_call.h"
#include "sabot/backtest/registry.h"
#include "sabot/engine/morsel_runner.h"
#include "sabot/env/executor.h"

namespace sabot::python {
namespace {

using backtest::ParameterSets;
using backtest::SweepResult;

using TicksTuple = std::tuple<std::string, std::string, int64_t, std::string>;  // security, path, rows, error

ArrowResult TableOf(const arrow::Table& table) {
  return {table.schema(), Check(arrow::TableBatchReader(table).ToRecordBatches())};
}

SweepResult Sweep(const std::string& strategy, const std::string& config, const std::optional<std::string>& market,
                  const std::vector<TicksTuple>& securities, const ParameterSets& sets, int workers,
                  const backtest::SweepOptions& options, const nb::object& progress) {
  const backtest::StrategyInfo* info = Check(backtest::FindStrategy(strategy));
  auto parsed = Check(backtest::StrategyConfig::Parse(config, info->parameters, info->name));
  if (market) parsed = Check(parsed.With({{"market", *market}}));
  backtest::SweepPlan plan{.run = {.strategy = *info, .config = std::move(parsed)}, .securities = {}, .sets = sets};
  for (const auto& [security, path, rows, error] : securities) {
    plan.securities.push_back({.security = security, .path = path, .rows = rows, .error = error});
  }
  std::function<arrow::Status(const backtest::SweepProgress&)> watch;
  if (!progress.is_none()) {
    watch = [called = Share(progress)](const backtest::SweepProgress& now) {
      return CallPython([&] {
               return (*called)(now.simulations, now.simulations_all, now.simulations_resumed, now.ticks, now.fraction)
                   .is_none();
             })
          .status();
    };
  }
  PythonInterrupt interrupt;
  const nb::gil_scoped_release released;
  const auto executor = env::MakeTbbExecutor(workers > 0 ? workers : engine::DefaultExecutor()->concurrency());
  return Check(backtest::RunSweep(plan, options, *executor, interrupt, watch));
}

}  // namespace

void RegisterSweep(nb::module_& module) {
  nb::class_<ParameterSets>(module, "ParameterSets", "The parameter sets of a sweep.")
      .def_static(
          "grid", [](const std::string& json) { return Check(backtest::GridSets(json)); }, nb::arg("json"))
      .def_static(
          "random",
          [](const std::string& json, int64_t samples, uint64_t seed) {
            return Check(backtest::RandomSets(json, samples, seed));
          },
          nb::arg("json"), nb::arg("samples"), nb::arg("seed"))
      .def_static(
          "listed", [](const std::string& json) { return Check(backtest::ListSets(json)); }, nb::arg("json"))
      .def_ro("names", &ParameterSets::names)
      .def("__len__", &ParameterSets::size)
      .def("to_json", &ParameterSets::ToJson);

  nb::class_<SweepResult>(module, "SweepTables", "What a sweep came to.")
      .def_prop_ro("table", [](const SweepResult& result) { return TableOf(*result.table); })
      .def_prop_ro("by_set", [](const SweepResult& result) { return TableOf(*result.by_set); })
      .def_ro("trials", &SweepResult::trials)
      .def_ro("sharpe_expected", &SweepResult::sharpe_expected)
      .def_ro("simulations_failed", &SweepResult::simulations_failed)
      .def_ro("simulations_resumed", &SweepResult::simulations_resumed);

  module.def(
      "run_sweep",
      [](const std::string& strategy, const std::string& config, const std::optional<std::string>& market,
         const std::vector<TicksTuple>& securities, const ParameterSets& sets, int workers, int64_t sets_per_scan,
         std::string folder, bool restart, const nb::object& progress) {
        const backtest::SweepOptions options{
            .sets_per_scan = sets_per_scan, .folder = std::move(folder), .restart = restart};
        return Sweep(strategy, config, market, securities, sets, workers, options, progress);
      },
      nb::arg("strategy"), nb::arg("config"), nb::arg("market").none(), nb::arg("securities"), nb::arg("sets"),
      nb::arg("workers"), nb::arg("sets_per_scan"), nb::arg("folder"), nb::arg("restart"), nb::arg("progress").none());
}

}  // namespace sabot::python
