// What a strategy in Python sees at a tick, and its way to the venue.
#pragma once

#include <nanobind/nanobind.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sabot/backtest/strategy.h"

namespace sabot::python {

namespace nb = nanobind;

// Copied, so that one that was kept shows the newest tick, and never lost memory.
struct PythonMoment {
  backtest::Tick tick;
  backtest::Book book;
  backtest::Ledger ledger;
  backtest::Limits limits;
  std::vector<std::string> names;  // Of the features,
  std::vector<double> values;      // and what they are.

  // Nothing, if there is none by this name.
  std::optional<nb::object> Feature(const std::string& name) const;
  std::optional<double> Mid() const;
};

// Open while on_tick runs: a ValueError afterwards. TypeError for what is of another type.
struct PythonOrders {
  backtest::Orders* orders = nullptr;

  backtest::Orders& Open() const;
  std::optional<int64_t> Send(backtest::Side side, const nb::handle& price, const nb::handle& size,
                              const nb::handle& type, const nb::handle& replaces, bool reduce_only, bool stop) const;
  void Cancel(const nb::handle& order) const;
  void Resize(const nb::handle& order, const nb::handle& size) const;
  std::optional<backtest::Order> Find(const nb::handle& order_id) const;
  std::vector<backtest::Order> All() const;
};

// Fill, Order, Moment and Orders.
void RegisterStrategyView(nb::module_& module);

}  // namespace sabot::python
