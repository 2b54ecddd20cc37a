// engine::Stream: where rows come from, and what happens to them.
#include "sabot/engine/stream.h"

#include <nanobind/nanobind.h>
#include <nanobind/stl/map.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <memory>
#include <optional>

#include "python/bindings/arrow_capsules.h"
#include "python/bindings/errors.h"
#include "python/bindings/interrupt.h"
#include "python/bindings/module.h"
#include "python/bindings/options.h"
#include "python/bindings/python_call.h"
#include "python/bindings/runs.h"
#include "sabot/connectors/csv_source.h"
#include "sabot/connectors/ipc_source.h"
#include "sabot/data/errors.h"

namespace sabot::python {
namespace {

using Names = std::vector<std::string>;

// Batches that a Python iterator gives, on the thread that runs the stream.
class PythonSource final : public connectors::Source {
 public:
  PythonSource(std::shared_ptr<arrow::Schema> schema, SharedObject iterator)
      : schema_(std::move(schema)), iterator_(std::move(iterator)) {}

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }
  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* out) override {
    for (;;) {
      if (batches_ != nullptr) {
        ARROW_RETURN_NOT_OK(batches_->ReadNext(out));
        if (*out != nullptr) return arrow::Status::OK();
        batches_ = nullptr;
      }
      ARROW_ASSIGN_OR_RAISE(batches_, CallPython([&]() -> std::shared_ptr<arrow::RecordBatchReader> {
                              const nb::object next = nb::steal(PyIter_Next(iterator_->ptr()));
                              if (PyErr_Occurred() != nullptr) throw nb::python_error();
                              return next.is_valid() ? ImportReader(next) : nullptr;
                            }));
      if (batches_ == nullptr) {
        *out = nullptr;
        return arrow::Status::OK();
      }
    }
  }

 private:
  std::shared_ptr<arrow::Schema> schema_;
  SharedObject iterator_;
  std::shared_ptr<arrow::RecordBatchReader> batches_;  // Of what the iterator gave last.
};

// `open` returns an iterator of Arrow data, anew for each run.
engine::Stream FromSource(std::string description, nb::object open, const nb::object& schema, std::string event_time,
                          bool at_rest) {
  auto columns = ImportSchema(schema);
  return Check(engine::Stream::FromSource(std::move(description), columns,
                                          {.partitions = {[columns, callable = Share(std::move(open))](const auto&)
                                                              -> arrow::Result<std::shared_ptr<connectors::Source>> {
                                             return CallPython([&]() -> std::shared_ptr<connectors::Source> {
                                               return std::make_shared<PythonSource>(columns, Share((*callable)()));
                                             });
                                           }},
                                           .event_time = std::move(event_time),
                                           .at_rest = at_rest,
                                           .on_caller = true}));
}

engine::Stream FromGenerator(int64_t rows, int32_t symbols, uint64_t seed, std::string kind, int64_t batch_rows,
                             double skew, int64_t start_ns, int64_t mean_gap_ns, double late, double gaps, double nulls,
                             bool dictionary_symbols) {
  return Check(engine::Stream::FromGenerator({.rows = rows,
                                              .symbols = symbols,
                                              .seed = seed,
                                              .kind = std::move(kind),
                                              .batch_rows = batch_rows,
                                              .skew = skew,
                                              .start_ns = start_ns,
                                              .mean_gap_ns = mean_gap_ns,
                                              .late = late,
                                              .gaps = gaps,
                                              .nulls = nulls,
                                              .dictionary_symbols = dictionary_symbols}));
}

// The types come as the fields of a schema.
engine::Stream FromCsv(const Names& paths, Names columns, const nb::object& types, const std::string& delimiter,
                       Names column_names, std::optional<Names> null_values, int64_t batch_rows, std::string event_time,
                       Names partitioned_by) {
  connectors::CsvSourceOptions options{.delimiter = delimiter.empty() ? ',' : delimiter.front(),
                                       .column_names = std::move(column_names),
                                       .columns = std::move(columns),
                                       .nulls = std::move(null_values),
                                       .batch_rows = batch_rows};
  const auto given = ImportSchema(types);
  for (const auto& field : given->fields()) options.types.emplace_back(field->name(), field->type());
  const Waiting waiting;
  return Check(engine::Stream::FromCsv(paths, std::move(options), std::move(event_time), std::move(partitioned_by)));
}

// (name, JSON) of each column.
std::vector<operators::NamedExpression> Columns(const std::vector<std::pair<std::string, std::string>>& columns) {
  std::vector<operators::NamedExpression> named;
  for (const auto& [name, json] : columns) {
    named.push_back({.name = name, .expression = Check(operators::ExpressionFromJson(json))});
  }
  return named;
}

engine::Stream Kernel(const engine::Stream& stream, const std::string& name, const nb::dict& options,
                      const nb::dict& columns, const nb::dict& outputs, std::optional<Names> by) {
  return Check(stream.Kernel(SpecFromPython(nb::make_tuple(name, options, columns, outputs)), std::move(by)));
}

// A Python function of one run, or of one copy of its step, made when it is first needed.
class RunningFunction {
 public:
  using Tables = std::vector<std::shared_ptr<arrow::Table>>;

  explicit RunningFunction(SharedObject maker) : maker_(std::move(maker)) {}

  arrow::Result<arrow::RecordBatchVector> Call(const data::Batch& batch) {
    return CallPython([&] {
      arrow::RecordBatchVector made;
      for (const nb::handle each : Get()(ArrowResult(batch.rows), operators::WhereIs(batch))) {
        for (auto& rows : Check(ImportReader(nb::borrow(each))->ToRecordBatches())) made.push_back(std::move(rows));
      }
      return made;
    });
  }
  arrow::Result<Tables> Snapshot() {
    return CallPython([&] {
      Tables tables;
      for (const nb::handle each : Get().attr("snapshot")()) {
        tables.push_back(Check(ImportReader(nb::borrow(each))->ToTable()));
      }
      return tables;
    });
  }
  arrow::Status Restore(const Tables& tables) {
    return CallPython([&] {
             nb::list list;
             for (const auto& table : tables) {
               arrow::TableBatchReader reader(*table);
               list.append(nb::cast(ArrowResult(table->schema(), Check(reader.ToRecordBatches()))));
             }
             Get().attr("restore")(list);
             return true;
           })
        .status();
  }

 private:
  nb::object& Get() {
    if (function_ == nullptr) function_ = Share((*maker_)());
    return *function_;
  }

  SharedObject maker_;
  SharedObject function_;
};

// `make` returns a fresh function for a run: it takes (batch, where it is) and returns a list of batches; its
// snapshot() gives tables that restore() of another one takes. Each copy of the step has one. `key_by`: the key of the
// kernels it calls. `type`: "map", "flat_map", or "kernel", which only appends and remembers what snapshot() tells.
engine::Stream Map(const engine::Stream& stream, const std::string& name, nb::object make, const nb::object& schema,
                   bool keeps_rows, Names key_by, std::string type) {
  const bool is_kernel = type == "kernel";
  const operators::MapOptions described{.name = name, .output = ImportSchema(schema), .keeps_rows = keeps_rows};
  return Check(stream.Apply(
      name, {.make = [described, maker = Share(std::move(make))](
                         const operators::OperatorContext&) -> arrow::Result<std::unique_ptr<operators::Operator>> {
               const auto function = std::make_shared<RunningFunction>(maker);
               auto options = described;
               options.snapshot = [function] { return function->Snapshot(); };
               options.restore = [function](const auto& tables) { return function->Restore(tables); };
               auto call = [function](const data::Batch& batch) { return function->Call(batch); };
               return std::make_unique<operators::Map>(std::move(options), std::move(call));
             },
             .type = std::move(type),
             .on_caller = true,
             .key_by = std::move(key_by),
             .keeps_columns = is_kernel,
             .copies_allowed = keeps_rows,  // Else rows have no places of their own.
             .own_memory = !is_kernel}));
}

engine::Stream Union(const engine::Stream& stream, const nb::list& others) {
  std::vector<engine::Stream> streams;
  for (const nb::handle other : others) streams.push_back(nb::cast<const engine::Stream&>(other));
  return Check(stream.Union(streams));
}

}  // namespace

void RegisterStream(nb::module_& module) {
  module.def("parse_duration", [](const std::string& name, const std::string& text) {
    auto duration = kernels::ParseDuration(text);
    if (!duration.ok()) Check(data::OptionError(name + ": " + duration.status().message()));
    return *duration;
  });
  nb::class_<engine::Stream> stream(module, "Stream", "A pipeline: sources and steps. Immutable.");
  stream
      .def_static(
          "from_parquet",
          [](const Names& paths, Names columns, int64_t batch_rows, std::string event_time, Names partitioned_by) {
            const Waiting waiting;
            return Check(engine::Stream::FromParquet(paths, {.columns = std::move(columns), .batch_rows = batch_rows},
                                                     std::move(event_time), std::move(partitioned_by)));
          },
          nb::arg("paths"), nb::arg("columns"), nb::arg("batch_rows"), nb::arg("event_time"), nb::arg("partitioned_by"))
      .def_static("from_csv", &FromCsv, nb::arg("paths"), nb::arg("columns"), nb::arg("types"), nb::arg("delimiter"),
                  nb::arg("column_names"), nb::arg("null_values").none(), nb::arg("batch_rows"), nb::arg("event_time"),
                  nb::arg("partitioned_by"))
      .def_static(
          "from_ipc",
          [](const Names& paths, Names columns, std::string event_time, Names partitioned_by) {
            const Waiting waiting;
            return Check(engine::Stream::FromIpc(paths, {.columns = std::move(columns)}, std::move(event_time),
                                                 std::move(partitioned_by)));
          },
          nb::arg("paths"), nb::arg("columns"), nb::arg("event_time"), nb::arg("partitioned_by"))
      .def_static("from_generator", &FromGenerator, nb::kw_only(), nb::arg("rows"), nb::arg("symbols"), nb::arg("seed"),
                  nb::arg("kind"), nb::arg("batch_rows"), nb::arg("skew"), nb::arg("start_ns"), nb::arg("mean_gap_ns"),
                  nb::arg("late"), nb::arg("gaps"), nb::arg("nulls"), nb::arg("dictionary_symbols"))
      .def_static("from_source", &FromSource, nb::arg("description"), nb::arg("open"), nb::arg("schema"),
                  nb::arg("event_time"), nb::arg("at_rest"))
      .def("filter",
           [](const engine::Stream& stream, const std::string& json) {
             return Check(stream.Filter(Check(operators::ExpressionFromJson(json))));
           })
      .def("require",
           [](const engine::Stream& stream, const std::string& json, std::string reason) {
             return Check(stream.Require(Check(operators::ExpressionFromJson(json)), std::move(reason)));
           })
      .def("select",
           [](const engine::Stream& stream, const std::vector<std::pair<std::string, std::string>>& columns) {
             return Check(stream.Select(Columns(columns)));
           })
      .def("with_columns",
           [](const engine::Stream& stream, const std::vector<std::pair<std::string, std::string>>& columns) {
             return Check(stream.WithColumns(Columns(columns)));
           })
      .def("rename", [](const engine::Stream& stream,
                        const std::map<std::string, std::string>& names) { return Check(stream.Rename(names)); })
      .def("key_by", [](const engine::Stream& stream, Names by) { return Check(stream.KeyBy(std::move(by))); })
      .def("kernel", &Kernel, nb::arg("name"), nb::arg("options"), nb::arg("columns"), nb::arg("outputs"),
           nb::arg("by").none())
      .def("map", &Map, nb::arg("name"), nb::arg("make"), nb::arg("schema"), nb::arg("keeps_rows"), nb::arg("key_by"),
           nb::arg("type"))
      .def("union", &Union)
      .def("ranged", [](const engine::Stream& stream, std::string column,
                        const std::string& bounds) { return Check(stream.Ranged(std::move(column), bounds)); })
      .def("rebalanced", &engine::Stream::Rebalanced)
      .def("spilling",
           [](const engine::Stream& stream, const std::string& when) { return Check(stream.Spilling(when)); })
      .def("uid", [](const engine::Stream& stream, std::string uid) { return Check(stream.Uid(std::move(uid))); })
      .def("data_quality",
           [](const engine::Stream& stream, Names by, int64_t gap_ns) {
             return Check(stream.DataQuality({.by = std::move(by), .gap_ns = gap_ns}));
           })
      .def_prop_ro("schema", [](const engine::Stream& stream) { return ArrowSchemaResult{stream.schema()}; })
      .def("parallel", [](const engine::Stream& stream, int copies) { return Check(stream.Parallelism(copies)); })
      .def_prop_ro("parallelism", &engine::Stream::parallelism)
      .def_prop_ro("by", &engine::Stream::by)
      .def("explain", &engine::Stream::Explain);
  RegisterRuns(module, stream);
}

}  // namespace sabot::python
