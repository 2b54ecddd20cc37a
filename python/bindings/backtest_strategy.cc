#include "python/bindings/backtest_strategy.h"

#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "python/bindings/errors.h"
#include "python/bindings/options.h"
#include "python/bindings/python_call.h"
#include "python/bindings/strategy_view.h"
#include "sabot/backtest/strategy.h"

namespace sabot::python {
namespace {

using backtest::Parameter;
using backtest::Settings;

// The text of an exception of a strategy, for the summary.
std::string TextOf(const nb::python_error& error) {
  try {
    return nb::cast<std::string>(nb::module_::import_("sabot.backtest.strategy").attr("failure_text")(error.value()));
  } catch (nb::python_error& other) {
    return other.what();
  }
}

// Runs `function` with the GIL; Ctrl-C is Cancelled, everything else the exception itself.
template <class Function>
arrow::Status Call(Function&& function) {
  const nb::gil_scoped_acquire gil;
  try {
    function();
    return arrow::Status::OK();
  } catch (nb::python_error& error) {
    if (error.matches(PyExc_KeyboardInterrupt)) return backtest::Interrupted();
    std::string text = TextOf(error);
    return StatusOf(std::move(error), std::move(text));
  } catch (const StatusException& error) {
    return error.status();
  } catch (const nb::builtin_exception& error) {
    return arrow::Status::TypeError(error.what());
  }
}

constexpr char kPlainFunction[] = "Write a plain function, without yield or async, that returns nothing.";
constexpr char kSendOrders[] =
    "Orders are sent by orders.buy and orders.sell, in a plain function without yield or async.";

// A method that a strategy has written returned this. An order's number is taken, too: `return orders.buy(...)`.
void CheckReturned(const nb::object& returned, const char* method, const char* advice) {
  if (returned.is_none() || PyLong_Check(returned.ptr())) return;
  PyErr_Format(PyExc_TypeError, "%s returned %.200R; expected None. %s", method, returned.ptr(), advice);
  throw nb::python_error();
}

class PythonStrategy final : public backtest::Strategy {
 public:
  // With the GIL.
  explicit PythonStrategy(const nb::tuple& made) : held_(std::make_unique<Held>()) {
    held_->strategy = made[0];
    held_->on_tick = made[0].attr("on_tick");
    PythonMoment moment;
    moment.names = nb::cast<std::vector<std::string>>(made[1]);
    moment.values.assign(moment.names.size(), std::nan(""));
    held_->moment = nb::cast(std::move(moment));
    held_->orders = nb::cast(PythonOrders());
    moment_ = nb::inst_ptr<PythonMoment>(held_->moment);
    orders_ = nb::inst_ptr<PythonOrders>(held_->orders);
    for (const nb::handle spec : nb::cast<nb::list>(made[2])) {
      features_.push_back({.kernel = SpecFromPython(nb::cast<nb::tuple>(spec))});
    }
  }
  ~PythonStrategy() override {
    const nb::gil_scoped_acquire gil;
    held_.reset();
  }

  std::vector<backtest::Feature> features() const override { return features_; }
  void OnDate() override {
    Keep(Call([&] { CheckReturned(held_->strategy.attr("on_date")(), "on_date", kPlainFunction); }));
  }
  void OnFill(const backtest::Fill& fill) override {
    Keep(Call([&] { CheckReturned(held_->strategy.attr("on_fill")(fill), "on_fill", kPlainFunction); }));
  }
  arrow::Status OnTick(const backtest::Moment& moment, backtest::Orders& orders) override {
    ARROW_RETURN_NOT_OK(status_);
    moment_->tick = moment.tick;
    moment_->book = moment.book;
    moment_->ledger = moment.ledger;
    moment_->limits = moment.limits;
    moment_->values.assign(moment.features.begin(), moment.features.end());
    orders_->orders = &orders;
    auto status = Call([&] { CheckReturned(held_->on_tick(held_->moment, held_->orders), "on_tick", kSendOrders); });
    orders_->orders = nullptr;
    return status;
  }
  arrow::Status status() const override { return status_; }

 private:
  struct Held {
    nb::object strategy;
    nb::object on_tick;
    nb::object moment;
    nb::object orders;
  };

  void Keep(arrow::Status status) {
    if (status_.ok()) status_ = std::move(status);
  }

  std::unique_ptr<Held> held_;
  PythonMoment* moment_ = nullptr;  // In `held_`.
  PythonOrders* orders_ = nullptr;
  std::vector<backtest::Feature> features_;
  arrow::Status status_;
};

Parameter ParameterFromPython(const nb::dict& entry) {
  Parameter parameter;
  parameter.name = nb::cast<std::string>(entry["name"]);
  const auto kind = nb::cast<std::string>(entry["kind"]);
  parameter.kind = kind == "number"    ? Parameter::Kind::kNumber
                   : kind == "integer" ? Parameter::Kind::kInteger
                   : kind == "flag"    ? Parameter::Kind::kFlag
                                       : Parameter::Kind::kText;
  parameter.nullable = nb::cast<bool>(entry["nullable"]);
  const nb::object standard = entry["default"];
  if (standard.is_none()) {
    parameter.standard = std::monostate{};
  } else if (parameter.kind == Parameter::Kind::kFlag) {
    parameter.standard = nb::cast<bool>(standard);
  } else if (parameter.kind == Parameter::Kind::kText) {
    parameter.standard = nb::cast<std::string>(standard);
  } else {
    parameter.standard = nb::cast<double>(standard);
  }
  const bool is_integer = parameter.kind == Parameter::Kind::kInteger;  // Of those that float64 tells apart.
  parameter.most = is_integer ? 0x1p53 : std::numeric_limits<double>::infinity();
  parameter.least = -parameter.most;
  parameter.values = nb::cast<std::vector<std::string>>(entry["values"]);
  return parameter;
}

}  // namespace

nb::object ValueToPython(const Parameter& parameter, const Settings::Value& value) {
  if (const auto* number = std::get_if<double>(&value)) {
    if (parameter.kind == Parameter::Kind::kInteger) return nb::cast(static_cast<int64_t>(*number));
    return nb::cast(*number);
  }
  if (const auto* flag = std::get_if<bool>(&value)) return nb::cast(*flag);
  if (const auto* text = std::get_if<std::string>(&value)) return nb::cast(*text);
  return nb::none();
}

nb::dict Describe(const Parameter& parameter) {
  constexpr const char* kKinds[] = {"number", "integer", "flag", "text"};
  nb::dict entry;
  entry["name"] = parameter.name;
  entry["kind"] = kKinds[static_cast<std::size_t>(parameter.kind)];
  entry["default"] = ValueToPython(parameter, parameter.standard);
  entry["nullable"] = parameter.nullable;
  entry["values"] = parameter.values;
  entry["allowed"] = parameter.Allowed();
  entry["doc"] = parameter.doc;
  return entry;
}

backtest::StrategyInfo StrategyFromPython(const nb::tuple& strategy) {
  backtest::StrategyInfo info;
  info.name = nb::cast<std::string>(strategy[0]);
  for (const nb::handle entry : nb::cast<nb::list>(strategy[1])) {
    info.parameters.push_back(ParameterFromPython(nb::cast<nb::dict>(entry)));
  }
  info.make = [make = Share(strategy[2]), parameters = info.parameters](
                  const Settings& settings) -> arrow::Result<std::unique_ptr<backtest::Strategy>> {
    std::unique_ptr<backtest::Strategy> made;
    ARROW_RETURN_NOT_OK(Call([&] {
      nb::dict values;
      for (const auto& parameter : parameters) {
        const auto found = settings.values().find(parameter.name);
        if (found != settings.values().end()) {
          values[parameter.name.c_str()] = ValueToPython(parameter, found->second);
        }
      }
      made = std::make_unique<PythonStrategy>(nb::cast<nb::tuple>((*make)(values)));
    }));
    return made;
  };
  return info;
}

backtest::Settings::Values ValuesFromPython(const nb::dict& given) {
  backtest::Settings::Values values;
  for (const auto& [name, value] : given) {
    auto& taken = values[nb::cast<std::string>(name)];
    if (value.is_none()) continue;
    if (PyBool_Check(value.ptr())) {
      taken = nb::cast<bool>(value);
    } else if (PyUnicode_Check(value.ptr())) {
      taken = nb::cast<std::string>(value);
    } else {
      taken = nb::cast<double>(value);
    }
  }
  return values;
}

backtest::RunPlan PlanFromPython(const nb::object& strategy, const std::string& json, const nb::dict& overrides) {
  auto info = nb::isinstance<nb::str>(strategy) ? *Check(backtest::FindStrategy(nb::cast<std::string>(strategy)))
                                                : StrategyFromPython(nb::cast<nb::tuple>(strategy));
  auto config = Check(backtest::StrategyConfig::Parse(json, info.parameters, info.name));
  if (overrides.size() > 0) config = Check(config.With(ValuesFromPython(overrides)));
  return {.strategy = std::move(info), .config = std::move(config)};
}

}  // namespace sabot::python
