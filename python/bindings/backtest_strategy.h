// Strategies that are written in Python, as the simulation calls them.
#pragma once

#include <nanobind/nanobind.h>

#include <string>

#include "sabot/backtest/registry.h"
#include "sabot/backtest/run.h"

namespace sabot::python {

namespace nb = nanobind;

// (name, parameters, make): `parameters` as backtest::Parameter, each a dict; `make` gets a dict of values and returns
// (strategy, names of features, specs of their kernels).
backtest::StrategyInfo StrategyFromPython(const nb::tuple& strategy);

// `strategy`: a name, or what StrategyFromPython takes. `config`: JSON. `overrides`: values for all securities, over
// those of the configuration.
backtest::RunPlan PlanFromPython(const nb::object& strategy, const std::string& config, const nb::dict& overrides);
backtest::Settings::Values ValuesFromPython(const nb::dict& values);

nb::dict Describe(const backtest::Parameter& parameter);
nb::object ValueToPython(const backtest::Parameter& parameter, const backtest::Settings::Value& value);

}  // namespace sabot::python
