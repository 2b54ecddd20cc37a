// Sweeps: parameter sets, and what they come to over files of ticks.
#include "sabot/backtest/sweep.h"

#include <arrow/table.h>
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/vector.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "python/bindings/arrow_capsules.h"
#include "python/bindings/backtest_strategy.h"
#include "python/bindings/errors.h"
#include "python/bindings/interrupt.h"
#include "python/bindings/module.h"
#include "python/bindings/python_call.h"
#include "sabot/backtest/open_sweep.h"
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

backtest::SweepPlan PlanOf(const nb::object& strategy, const std::string& config, const nb::dict& overrides,
                           const std::vector<TicksTuple>& securities, const ParameterSets& sets) {
  backtest::SweepPlan plan{.run = PlanFromPython(strategy, config, overrides), .securities = {}, .sets = sets};
  for (const auto& [security, path, rows, error] : securities) {
    plan.securities.push_back({.security = security, .path = path, .rows = rows, .error = error});
  }
  return plan;
}

SweepResult Sweep(const backtest::SweepPlan& plan, int workers, const backtest::SweepOptions& options,
                  const nb::object& progress) {
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

// A sweep whose simulations run somewhere else: those of a strategy in Python, in processes of their own.
class PythonSweep {
 public:
  PythonSweep(const nb::object& strategy, std::string code, const std::string& config, const nb::dict& overrides,
              const std::vector<TicksTuple>& securities, const ParameterSets& sets, std::string folder, bool restart)
      : plan_(PlanOf(strategy, config, overrides, securities, sets)) {
    plan_.run.strategy.code = std::move(code);
    const Waiting waiting;
    sweep_ = Check(backtest::OpenSweep::Make(plan_, std::move(folder), restart));
  }

  int64_t Done(std::size_t security) const { return sweep_->done(security); }
  // (number of the security, number of the set)
  std::vector<std::tuple<std::size_t, int64_t>> Missing() const {
    std::vector<std::tuple<std::size_t, int64_t>> missing;
    for (std::size_t security = 0; security < plan_.securities.size(); ++security) {
      for (const auto& set : sweep_->Missing(security, 1)) missing.emplace_back(security, set.first);
    }
    return missing;
  }
  void Put(std::size_t security, int64_t set, const backtest::SecurityResult& result, bool passing) {
    const nb::gil_scoped_release released;
    Check(sweep_->Put(security, set, {result.summary}, passing));
  }
  SweepResult Finish() const {
    const Waiting waiting;
    return Check(sweep_->Finish());
  }

 private:
  backtest::SweepPlan plan_;
  std::unique_ptr<backtest::OpenSweep> sweep_;  // Of the plan.
};

nb::dict DictOf(const ParameterSets& sets, int64_t set) {
  if (set < 0 || set >= sets.size()) throw nb::index_error();
  nb::dict values;
  for (const auto& [name, value] : sets.Set(set)) {
    const auto cast = [](const auto& given) -> nb::object {
      if constexpr (std::is_same_v<std::decay_t<decltype(given)>, std::monostate>) {
        return nb::none();
      } else {
        return nb::cast(given);
      }
    };
    values[name.c_str()] = std::visit(cast, value);
  }
  return values;
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
      .def("__getitem__", &DictOf, nb::arg("set"))
      .def("to_json", &ParameterSets::ToJson);

  nb::class_<SweepResult>(module, "SweepTables", "What a sweep came to.")
      .def_prop_ro("table", [](const SweepResult& result) { return TableOf(*result.table); })
      .def_prop_ro("by_set", [](const SweepResult& result) { return TableOf(*result.by_set); })
      .def_ro("trials", &SweepResult::trials)
      .def_ro("sharpe_expected", &SweepResult::sharpe_expected)
      .def_ro("simulations_failed", &SweepResult::simulations_failed)
      .def_ro("simulations_resumed", &SweepResult::simulations_resumed);

  nb::class_<PythonSweep>(module, "OpenSweep", "A sweep whose simulations somebody else runs, one by one.")
      .def(nb::init<nb::object, std::string, std::string, nb::dict, std::vector<TicksTuple>, ParameterSets, std::string,
                    bool>(),
           nb::arg("strategy"), nb::arg("code"), nb::arg("config"), nb::arg("overrides"), nb::arg("securities"),
           nb::arg("sets"), nb::arg("folder"), nb::arg("restart"))
      .def("done", &PythonSweep::Done, nb::arg("security"))
      .def("missing", &PythonSweep::Missing)
      .def("put", &PythonSweep::Put, nb::arg("security"), nb::arg("set"), nb::arg("result"), nb::arg("passing"))
      .def("finish", &PythonSweep::Finish);

  module.def(
      "run_sweep",
      [](const std::string& strategy, const std::string& config, const nb::dict& overrides,
         const std::vector<TicksTuple>& securities, const ParameterSets& sets, int workers, int64_t sets_per_scan,
         std::string folder, bool restart, const nb::object& progress) {
        const backtest::SweepOptions options{
            .sets_per_scan = sets_per_scan, .folder = std::move(folder), .restart = restart};
        return Sweep(PlanOf(nb::cast(strategy), config, overrides, securities, sets), workers, options, progress);
      },
      nb::arg("strategy"), nb::arg("config"), nb::arg("overrides"), nb::arg("securities"), nb::arg("sets"),
      nb::arg("workers"), nb::arg("sets_per_scan"), nb::arg("folder"), nb::arg("restart"), nb::arg("progress").none());
}

}  // namespace sabot::python
