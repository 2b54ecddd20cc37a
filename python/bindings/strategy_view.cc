#include "python/bindings/strategy_view.h"

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cmath>
#include <cstddef>
#include <string_view>
#include <utility>

#include "python/bindings/errors.h"
#include "sabot/backtest/result_files.h"
#include "sabot/data/errors.h"

namespace sabot::python {
namespace {

using backtest::Side;

constexpr std::pair<std::string_view, backtest::OrderType> kOrderTypes[] = {
    {"maker", backtest::OrderType::kMaker},
    {"post_only", backtest::OrderType::kPostOnly},
    {"limit", backtest::OrderType::kLimit},
    {"immediate_or_cancel", backtest::OrderType::kImmediateOrCancel},
    {"fill_or_kill", backtest::OrderType::kFillOrKill},
    {"market", backtest::OrderType::kMarket},
};

backtest::OrderType OrderTypeOf(const std::string& name) {
  std::vector<std::string> names;
  for (const auto& [known, type] : kOrderTypes) {
    if (name == known) return type;
    names.emplace_back(known);
  }
  Check(data::OptionError("orders: there is no type '" + name + "'." + data::NearestNames(name, names)));
  return {};
}

std::string NameOf(backtest::OrderType type) {
  for (const auto& [name, known] : kOrderTypes) {
    if (type == known) return std::string(name);
  }
  return "";
}

std::string NameOf(backtest::TickType type) {
  return type == backtest::TickType::kBid ? "bid" : type == backtest::TickType::kAsk ? "ask" : "trade";
}

std::optional<double> Known(double value) { return std::isnan(value) ? std::nullopt : std::optional(value); }

// What Python calls where an object has no such attribute: an AttributeError with the nearest names of those it has,
// `more` among them.
[[noreturn]] void NoAttribute(const nb::handle& self, const std::string& name,
                              const std::vector<std::string>& more = {}) {
  std::vector<std::string> known = more;
  const auto kind = nb::borrow(reinterpret_cast<PyObject*>(Py_TYPE(self.ptr())));
  for (const nb::handle each : nb::steal<nb::list>(PyObject_Dir(kind.ptr()))) {
    if (auto text = nb::cast<std::string>(each); !text.starts_with('_')) known.push_back(std::move(text));
  }
  const auto kind_name = nb::cast<std::string>(kind.attr("__name__"));
  throw nb::attribute_error((kind_name + " has no '" + name + "'." + data::NearestNames(name, known)).c_str());
}

[[noreturn]] void HasNo(const nb::handle& self, const std::string& name) { NoAttribute(self, name); }

constexpr char kSetAttribute[] = "def __setattr__(self, name: str, value: object) -> None";

// What Python calls where an attribute is set or deleted.
[[noreturn]] void ReadOnly(const nb::handle& self, const std::string& name, const nb::object& /*value*/) {
  const std::string kind =
      nb::cast<std::string>(nb::borrow(reinterpret_cast<PyObject*>(Py_TYPE(self.ptr()))).attr("__name__"));
  throw nb::attribute_error(
      (kind + " is read-only: '" + name + "' cannot be set. Keep values on the strategy itself.").c_str());
}

// Such as: Fill(timestamp=0, price=1.5).
std::string Repr(const nb::handle& self, const std::vector<std::string>& names) {
  std::string text =
      nb::cast<std::string>(nb::borrow(reinterpret_cast<PyObject*>(Py_TYPE(self.ptr()))).attr("__name__"));
  for (std::size_t i = 0; i < names.size(); ++i) {
    text += (i == 0 ? "(" : ", ") + names[i] + "=" + nb::repr(self.attr(names[i].c_str())).c_str();
  }
  return text + ")";
}

// What a strategy gives of an order: TypeError, if it is of another type.
[[noreturn]] void WrongType(const char* what, const char* expected, const nb::handle& found) {
  PyErr_Clear();
  PyErr_Format(PyExc_TypeError, "orders: %s must be %s, found %.60R.", what, expected, found.ptr());
  throw nb::python_error();
}

double NumberOf(const nb::handle& given, const char* what, const char* expected = "a number") {
  const double value = PyFloat_AsDouble(given.ptr());
  if (value == -1 && PyErr_Occurred() != nullptr) WrongType(what, expected, given);
  return value;
}

std::optional<double> PriceOf(const nb::handle& given) {
  if (given.is_none()) return std::nullopt;
  return NumberOf(given, "price", "a number, or None of a market order");
}

std::optional<int64_t> OrderOf(const nb::handle& given, const char* what) {
  if (given.is_none()) return std::nullopt;
  int64_t order = 0;
  if (!nb::try_cast(given, order)) WrongType(what, "the number of an order, or None", given);
  return order;
}

template <Side kSide>
std::optional<int64_t> Send(const PythonOrders& orders, const nb::object& price, const nb::object& size,
                            const nb::object& type, const nb::object& replaces, bool reduce_only, bool stop) {
  return orders.Send(kSide, price, size, type, replaces, reduce_only, stop);
}

}  // namespace

std::optional<nb::object> PythonMoment::Feature(const std::string& name) const {
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == name) return i < values.size() && !std::isnan(values[i]) ? nb::cast(values[i]) : nb::none();
  }
  return std::nullopt;
}

std::optional<double> PythonMoment::Mid() const { return Known(book.mid()); }

backtest::Orders& PythonOrders::Open() const {
  if (orders == nullptr) throw nb::value_error("orders can be used in on_tick only, not after it has returned.");
  return *orders;
}

std::optional<int64_t> PythonOrders::Send(Side side, const nb::handle& price, const nb::handle& size,
                                          const nb::handle& type, const nb::handle& replaces, bool reduce_only,
                                          bool stop) const {
  if (!PyUnicode_Check(type.ptr())) WrongType("type", "text, such as 'post_only'", type);
  backtest::OrderRequest request{.side = side,
                                 .price = PriceOf(price).value_or(std::nan("")),
                                 .size = NumberOf(size, "size"),
                                 .type = OrderTypeOf(nb::cast<std::string>(type)),
                                 .reduce_only = reduce_only,
                                 .kind = stop ? backtest::FillKind::kStop : backtest::FillKind::kFill};
  const auto old = OrderOf(replaces, "replaces");
  const auto id = old ? Open().Replace(*old, request) : Open().Send(request);
  return id == backtest::kNoOrder ? std::nullopt : std::optional(id);
}

void PythonOrders::Cancel(const nb::handle& order) const {
  if (const auto id = OrderOf(order, "order")) Open().Cancel(*id);
}

void PythonOrders::Resize(const nb::handle& order, const nb::handle& size) const {
  const auto id = OrderOf(order, "order");
  if (!id) WrongType("order", "the number of an order", order);
  Open().Resize(*id, NumberOf(size, "size"));
}

std::optional<backtest::Order> PythonOrders::Find(const nb::handle& order_id) const {
  const auto* const order = Open().Find(OrderOf(order_id, "order").value_or(backtest::kNoOrder));
  return order == nullptr ? std::nullopt : std::optional(*order);
}

std::vector<backtest::Order> PythonOrders::All() const {
  const auto open = Open().open();
  return {open.begin(), open.end()};
}

void RegisterStrategyView(nb::module_& module) {
  nb::class_<backtest::Fill>(module, "Fill", "A fill of an order, or the venue's closing of a position.")
      .def_ro("timestamp", &backtest::Fill::timestamp, "Of the venue, ns since the epoch.")
      .def_prop_ro(
          "order",
          [](const backtest::Fill& fill) {
            return fill.order == backtest::kNoOrder ? std::nullopt : std::optional(fill.order);
          },
          "The order's number; None: the venue closed the position.")
      .def_prop_ro(
          "side", [](const backtest::Fill& fill) { return std::string(backtest::NameOf(fill.side)); }, "buy or sell.")
      .def_ro("price", &backtest::Fill::price)
      .def_ro("quantity", &backtest::Fill::quantity)
      .def_ro("remaining", &backtest::Fill::remaining, "Of the order, after it.")
      .def_prop_ro(
          "kind", [](const backtest::Fill& fill) { return std::string(backtest::NameOf(fill.kind)); },
          "fill, stop or flatten.")
      .def_ro("maker", &backtest::Fill::maker)
      .def("__getattr__", &HasNo, nb::arg("name"))
      .def("__setattr__", &ReadOnly, nb::arg("name"), nb::arg("value").none(), nb::sig(kSetAttribute))
      .def("__repr__", [](const nb::handle& self) {
        return Repr(self, {"timestamp", "order", "side", "price", "quantity", "remaining", "kind", "maker"});
      });

  nb::class_<backtest::Order>(module, "Order", "An order that is in flight or rests, as it is at this tick.")
      .def_ro("id", &backtest::Order::id)
      .def_prop_ro(
          "side", [](const backtest::Order& order) { return std::string(backtest::NameOf(order.request.side)); },
          "buy or sell.")
      .def_prop_ro("price", [](const backtest::Order& order) { return order.request.price; })
      .def_prop_ro("size", [](const backtest::Order& order) { return order.request.size; })
      .def_prop_ro("type", [](const backtest::Order& order) { return NameOf(order.request.type); })
      .def_ro("remaining", &backtest::Order::remaining)
      .def_ro("ahead", &backtest::Order::ahead, "Size of others in front of it.")
      .def_ro("sent", &backtest::Order::sent, "Time of the decision, ns.")
      .def_prop_ro("in_flight",
                   [](const backtest::Order& order) { return order.state == backtest::OrderState::kInFlight; })
      .def("__getattr__", &HasNo, nb::arg("name"))
      .def("__setattr__", &ReadOnly, nb::arg("name"), nb::arg("value").none(), nb::sig(kSetAttribute))
      .def("__repr__", [](const nb::handle& self) {
        return Repr(self, {"id", "side", "price", "size", "type", "remaining", "ahead", "sent", "in_flight"});
      });

  nb::class_<PythonMoment>(module, "Moment",
                           "A tick and what is known after it. Features are attributes by their names. It is the same "
                           "object at each tick: keep its values, not it.")
      .def_prop_ro(
          "timestamp", [](const PythonMoment& moment) { return moment.tick.timestamp; },
          "Of the tick at the venue, ns since the epoch.")
      .def_prop_ro(
          "type", [](const PythonMoment& moment) { return NameOf(moment.tick.type); }, "bid, ask or trade.")
      .def_prop_ro(
          "price", [](const PythonMoment& moment) { return moment.tick.price; }, "Of the tick.")
      .def_prop_ro(
          "volume", [](const PythonMoment& moment) { return moment.tick.volume; }, "Of the tick; a quote's size.")
      .def_prop_ro(
          "side", [](const PythonMoment& moment) { return static_cast<int>(moment.tick.side); },
          "Of a trade's aggressor: 1 bought, -1 sold, 0 not known.")
      .def_prop_ro(
          "bid", [](const PythonMoment& moment) { return Known(moment.book.bid.price); }, "None: no bid.")
      .def_prop_ro(
          "ask", [](const PythonMoment& moment) { return Known(moment.book.ask.price); }, "None: no ask.")
      .def_prop_ro("bid_size", [](const PythonMoment& moment) { return moment.book.bid.size; })
      .def_prop_ro("ask_size", [](const PythonMoment& moment) { return moment.book.ask.size; })
      .def_prop_ro("mid", &PythonMoment::Mid, "None where a side is missing.")
      .def_prop_ro("position", [](const PythonMoment& moment) { return moment.ledger.position(); })
      .def_prop_ro(
          "average", [](const PythonMoment& moment) { return moment.ledger.average(); },
          "What a unit of the position cost; 0 without one.")
      .def_prop_ro(
          "pnl", [](const PythonMoment& moment) { return moment.ledger.pnl(); }, "Realised, after fees.")
      .def(
          "limit", [](const PythonMoment& moment, double price) { return moment.limits.At(price); }, nb::arg("price"),
          "The largest position that is allowed at this price, either way.")
      .def(
          "__getattr__",
          [](const nb::handle& self, const std::string& name) {
            const auto& moment = *nb::inst_ptr<PythonMoment>(self);
            if (auto feature = moment.Feature(name)) return *std::move(feature);
            NoAttribute(self, name, moment.names);
          },
          nb::arg("name"))
      .def("__setattr__", &ReadOnly, nb::arg("name"), nb::arg("value").none(), nb::sig(kSetAttribute))
      .def("__repr__", [](const nb::handle& self) {
        std::vector<std::string> shown{"timestamp", "type",     "price", "volume",   "side",    "bid", "ask",
                                       "bid_size",  "ask_size", "mid",   "position", "average", "pnl"};
        const auto& features = nb::inst_ptr<PythonMoment>(self)->names;
        shown.insert(shown.end(), features.begin(), features.end());
        return Repr(self, shown);
      });

  nb::class_<PythonOrders>(module, "Orders",
                           "The way to the venue. Orders act with its latency, at the next tick at the "
                           "earliest.")
      .def("buy", &Send<Side::kBuy>, nb::arg("price").none(), nb::arg("size").none(), nb::kw_only(),
           nb::arg("type").none() = "maker", nb::arg("replaces") = nb::none(), nb::arg("reduce_only") = false,
           nb::arg("stop") = false,
           nb::sig("def buy(self, price: float | None, size: float, *, type: str = 'maker', "
                   "replaces: int | None = None, reduce_only: bool = False, stop: bool = False) -> int | None"),
           "Send an order; its number, or None where it cannot be sent. `replaces`: the order that goes when it comes.")
      .def("sell", &Send<Side::kSell>, nb::arg("price").none(), nb::arg("size").none(), nb::kw_only(),
           nb::arg("type").none() = "maker", nb::arg("replaces") = nb::none(), nb::arg("reduce_only") = false,
           nb::arg("stop") = false,
           nb::sig("def sell(self, price: float | None, size: float, *, type: str = 'maker', "
                   "replaces: int | None = None, reduce_only: bool = False, stop: bool = False) -> int | None"),
           "The same on the other side.")
      .def("cancel", &PythonOrders::Cancel, nb::arg("order").none(),
           nb::sig("def cancel(self, order: int | None) -> None"), "Of one that is gone, and of None, nothing happens.")
      .def("resize", &PythonOrders::Resize, nb::arg("order").none(), nb::arg("size").none(),
           nb::sig("def resize(self, order: int, size: float) -> None"),
           "A smaller size keeps the place in the queue, a larger one loses it.")
      .def("find", &PythonOrders::Find, nb::arg("order").none(),
           nb::sig("def find(self, order: int | None) -> Order | None"),
           "The order as it is now; None where it is gone.")
      .def_prop_ro("open", &PythonOrders::All, "In flight and resting, oldest first.")
      .def("__getattr__", &HasNo, nb::arg("name"));
}

}  // namespace sabot::python
