// The kernel registry, chains of kernels with their state, and schedules.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <mutex>

#include "python/bindings/arrow_capsules.h"
#include "python/bindings/errors.h"
#include "python/bindings/interrupt.h"
#include "python/bindings/module.h"
#include "python/bindings/options.h"
#include "sabot/data/column_buffer.h"
#include "sabot/engine/morsel_runner.h"
#include "sabot/kernels/ac_schedule.h"
#include "sabot/kernels/math.h"
#include "sabot/kernels/registry.h"
#include "sabot/operators/chain_run.h"
#include "sabot/operators/kernel_chain.h"
#include "sabot/operators/kernel_library.h"

namespace sabot::python {
namespace {

std::string Text(std::string_view text) { return std::string(text); }

nb::dict Describe(const kernels::KernelInfo& info) {
  nb::list inputs, outputs, options;
  for (const auto& input : info.inputs) {
    nb::dict entry;
    entry["role"] = input.role;
    entry["column"] = input.column;
    entry["type"] = input.type;
    entry["optional"] = input.optional;
    entry["doc"] = input.doc;
    inputs.append(entry);
  }
  for (const auto& output : info.outputs) {
    nb::dict entry;
    entry["name"] = output.name;
    entry["type"] = output.type;
    entry["doc"] = output.doc;
    outputs.append(entry);
  }
  for (const auto& option : info.options) {
    nb::dict entry;
    entry["name"] = option.name;
    entry["type"] = option.type;
    entry["default"] = OptionToPython(option.default_value);
    entry["doc"] = option.doc;
    entry["range"] = option.range;
    entry["required"] = option.required;
    options.append(entry);
  }
  nb::dict entry;
  entry["name"] = Text(info.doc.name);
  entry["class_name"] = Text(info.doc.class_name);
  entry["family"] = Text(info.family);
  entry["summary"] = Text(info.doc.summary);
  entry["formula"] = Text(info.doc.formula);
  entry["nulls"] = Text(info.doc.nulls);
  entry["source"] = Text(info.doc.source);
  entry["stateful"] = info.stateful;
  entry["pair"] = info.pair;
  entry["missing"] = Text(info.missing);
  entry["inputs"] = inputs;
  entry["outputs"] = outputs;
  entry["options"] = options;
  return entry;
}

nb::list Registry() {
  nb::list entries;
  for (const auto& info : kernels::Registry()) entries.append(Describe(info));
  for (const auto* const info : kernels::LoadedKernels()) entries.append(Describe(*info));
  return entries;
}

// Those of the library.
nb::list LoadKernels(const std::string& path, const std::vector<std::string>& taken) {
  nb::list entries;
  for (const auto* const info : Check(operators::LoadKernels(path, taken))) entries.append(Describe(*info));
  return entries;
}

// A chain that Python's threads may share: one call at a time.
class Chain {
 public:
  Chain(const nb::list& kernels, std::vector<std::string> by)
      : chain_([&] {
          std::vector<operators::KernelSpec> specs;
          for (const nb::handle kernel : kernels) specs.push_back(SpecFromPython(nb::cast<nb::tuple>(kernel)));
          return Check(operators::KernelChain::Make(std::move(specs), std::move(by)));
        }()) {}

  ArrowResult Process(const nb::object& data, bool new_columns_only) {
    const auto reader = ImportReader(data);
    const nb::gil_scoped_release released;
    const std::scoped_lock lock(mutex_);
    const auto executor = engine::DefaultExecutor();
    PythonInterrupt interrupt;
    auto schema = Check(chain_.Bind(reader->schema()));
    const int inputs = reader->schema()->num_fields();
    if (new_columns_only) {
      schema = arrow::schema(arrow::FieldVector(schema->fields().begin() + inputs, schema->fields().end()));
    }
    arrow::RecordBatchVector batches;
    std::shared_ptr<arrow::RecordBatch> batch;
    for (;;) {
      Check(reader->ReadNext(&batch));
      if (batch == nullptr) break;
      auto result = Check(engine::RunMorsels(chain_, batch, *executor, interrupt));
      if (new_columns_only) {
        const auto columns = result->columns();
        result = arrow::RecordBatch::Make(schema, result->num_rows(),
                                          arrow::ArrayVector(columns.begin() + inputs, columns.end()));
      }
      batches.push_back(std::move(result));
      Check(interrupt.Check());
    }
    return {std::move(schema), std::move(batches)};
  }

  ArrowSchemaResult Bind(const nb::object& schema) {
    const auto input = ImportSchema(schema);
    const nb::gil_scoped_release released;
    const std::scoped_lock lock(mutex_);
    return {Check(chain_.Bind(input))};
  }

  ArrowResult Snapshot(std::size_t index) {
    const nb::gil_scoped_release released;
    const std::scoped_lock lock(mutex_);
    CheckIndex(index);
    const auto table = Check(chain_.Snapshot(index));
    return {table->schema(), {Check(table->CombineChunksToBatch())}};
  }

  void Restore(std::size_t index, const nb::object& data) {
    const auto reader = ImportReader(data);
    const nb::gil_scoped_release released;
    const auto table = Check(reader->ToTable());
    const std::scoped_lock lock(mutex_);
    CheckIndex(index);
    Check(chain_.Restore(index, *table));
  }

  nb::list Kernels() const {
    nb::list list;
    for (const auto& spec : chain_.kernels()) list.append(SpecToPython(spec));
    return list;
  }
  std::vector<std::string> By() const { return chain_.by(); }
  bool Stateful() const { return chain_.stateful(); }

 private:
  void CheckIndex(std::size_t index) const {
    if (index >= chain_.kernels().size()) throw nb::index_error("no kernel of this index in the chain");
  }

  std::mutex mutex_;
  operators::KernelChain chain_;
};

nb::tuple SpecOf(const nb::object& snapshot) {
  const auto [spec, by] = Check(operators::KernelChain::SpecOf(*ImportReader(snapshot)->schema()));
  return nb::make_tuple(SpecToPython(spec), by);
}

// Of options by name.
ArrowResult OptimalAcSchedule(const nb::dict& options) {
  kernels::OptionMap values;
  for (const auto& [name, value] : options) {
    auto text = nb::cast<std::string>(name);
    auto option = OptionFromPython(std::string(kernels::AcSchedule::kName), text, value);
    values.emplace_back(std::move(text), std::move(option));
  }
  const auto parsed = Check(kernels::ParseOptions<kernels::AcSchedule::Options>(kernels::AcSchedule::kName, values));
  return ArrowResult(Check(Check(kernels::AcSchedule::Make(parsed))->CombineChunksToBatch()));
}

}  // namespace

void RegisterKernels(nb::module_& module) {
  module.def("registry", &Registry, "Every kernel, described.");
  module.def("load_kernels", &LoadKernels, nb::arg("path"), nb::arg("taken"));
  nb::class_<Chain>(module, "Chain", "Kernels on one key as one fused pass, with their state.")
      .def(nb::init<nb::list, std::vector<std::string>>(), nb::arg("kernels"), nb::arg("by"))
      .def("process", &Chain::Process, nb::arg("data"), nb::arg("new_columns_only"))
      .def("bind", &Chain::Bind, nb::arg("schema"))
      .def("snapshot", &Chain::Snapshot, nb::arg("index"))
      .def("restore", &Chain::Restore, nb::arg("index"), nb::arg("data"))
      .def_static("spec_of", &SpecOf, nb::arg("data"))
      .def_prop_ro("kernels", &Chain::Kernels)
      .def_prop_ro("by", &Chain::By)
      .def_prop_ro("stateful", &Chain::Stateful);
  module.def("optimal_ac_schedule", &OptimalAcSchedule, nb::arg("options"));
  module.def("set_max_threads", [](int threads) { engine::SetMaxThreads(threads); }, nb::arg("threads"));
  module.def("max_threads", [] { return engine::DefaultExecutor()->concurrency(); });
  module.def("morsel_rows", &operators::MorselRows);
  module.def("check_environment", [] {
    const auto text = [](const char* variable, const char* otherwise) {
      const char* found = std::getenv(variable);
      return std::string(found == nullptr ? otherwise : found);
    };
    Check(kernels::math::ChooseIsa(text("SABOT_ISA", "")));
    Check(engine::ParseMaxThreads(text("SABOT_MAX_THREADS", "0")));
    Check(operators::ParseMorselRows(text("MORSEL_SIZE_KB", "64")));
    Check(data::ParseKeptColumnBytes(text("SABOT_KEPT_MB", "0")));
  });
  module.def("isa", [] { return std::string(kernels::math::Name(kernels::math::ActiveIsa())); });
  module.def("supported_isas", [] {
    std::vector<std::string> names;
    for (const auto isa : kernels::math::SupportedIsas()) names.emplace_back(kernels::math::Name(isa));
    return names;
  });
}

}  // namespace sabot::python
