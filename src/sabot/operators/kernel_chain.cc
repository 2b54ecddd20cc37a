#include "sabot/operators/kernel_chain.h"

#include <algorithm>

#include "sabot/data/errors.h"
#include "sabot/operators/chain_run.h"
#include "sabot/operators/kernel_chain_internal.h"
#include "sabot/operators/stored_state_internal.h"

namespace sabot::operators {
namespace {

bool IsNumber(const arrow::DataType& type) {
  return arrow::is_integer(type.id()) || arrow::is_floating(type.id()) || arrow::is_decimal(type.id()) ||
         type.id() == arrow::Type::NA;
}

bool IsTime(const arrow::DataType& type) {
  return type.id() == arrow::Type::INT64 || type.id() == arrow::Type::TIMESTAMP || type.id() == arrow::Type::NA;
}

// Whether the values are read where they lie.
bool IsReadAsIs(const arrow::DataType& type, bool is_time) {
  if (!is_time) return type.id() == arrow::Type::DOUBLE;
  return type.id() == arrow::Type::INT64 ||
         (type.id() == arrow::Type::TIMESTAMP &&
          static_cast<const arrow::TimestampType&>(type).unit() == arrow::TimeUnit::NANO);
}

// A chain has one key: kernels of one pair, or none of any.
arrow::Status CheckPair(const KeyedKernel& kernel, const KeyedKernel& first) {
  if (kernel.pair() == first.pair()) return arrow::Status::OK();
  const auto reads = [](const KeyedKernel& of) {
    const auto pair = of.pair();
    return std::string(of.doc().name) +
           (pair ? " reads the pair " + Quoted(pair->a) + ", " + Quoted(pair->b) : std::string(" reads no pair"));
  };
  return data::OptionError(reads(first) + ", " + reads(kernel) +
                           ": kernels of one pass have one key. Run those of each pair by themselves, as "
                           "Stream.kernel does.");
}

}  // namespace

KernelChain::Impl::Impl() = default;
KernelChain::Impl::~Impl() = default;

// The index of an output of an earlier kernel by its name in the batch.
Binding KernelChain::Impl::FindOutput(const std::string& name, std::size_t before) const {
  for (std::size_t kernel = 0; kernel < before; ++kernel) {
    const auto& names = output_names[kernel];
    const auto at = std::find(names.begin(), names.end(), name);
    if (at != names.end()) return {.kernel = static_cast<int>(kernel), .output = static_cast<int>(at - names.begin())};
  }
  return {};
}

std::vector<std::string> KernelChain::Impl::NamesBefore(std::size_t kernel) const {
  std::vector<std::string> names = input->field_names();
  for (std::size_t earlier = 0; earlier < kernel; ++earlier) {
    names.insert(names.end(), output_names[earlier].begin(), output_names[earlier].end());
  }
  return names;
}

arrow::Result<Binding> KernelChain::Impl::BindInput(std::size_t index, const KernelInput& wanted) const {
  const auto& spec = specs[index];
  const auto given = spec.columns.find(std::string(wanted.role));
  const std::string column = given == spec.columns.end() ? std::string(wanted.default_column) : given->second;
  const std::string where = spec.kernel + ": input " + Quoted(wanted.role);
  if (Binding earlier = FindOutput(column, index); earlier.kernel >= 0) {
    const auto& type = *kernels[earlier.kernel]->outputs()[earlier.output].type;
    const auto needed = wanted.is_time ? arrow::Type::INT64 : arrow::Type::DOUBLE;
    if (type.id() == needed) return earlier;
    return data::SchemaError(where + " reads column " + Quoted(column) + ", which " + specs[earlier.kernel].kernel +
                             " writes as " + type.ToString() + "; expected " + (wanted.is_time ? "int64" : "float64") +
                             " from another kernel of the chain.");
  }
  const auto matches = input->GetAllFieldIndices(column);
  if (matches.size() > 1) {
    return data::SchemaError(where + " reads column " + Quoted(column) + ", which exists " +
                             std::to_string(matches.size()) + " times. Rename them apart.");
  }
  if (matches.empty()) {
    return data::SchemaError(where + " needs column " + Quoted(column) + ", which is missing." +
                             data::NearestNames(column, NamesBefore(index)) + " Bind another one with columns={'" +
                             std::string(wanted.role) + "': ...}.");
  }
  const auto& type = *input->field(matches[0])->type();
  if (!(wanted.is_time ? IsTime(type) : IsNumber(type))) {
    return data::SchemaError(
        where + " reads column " + Quoted(column) + ", found type " + type.ToString() + ", expected " +
        (wanted.is_time ? "int64 (ns since the epoch) or a timestamp." : "a number.") +
        " Convert the column or bind another one with columns={'" + std::string(wanted.role) + "': ...}.");
  }
  return Binding{.column = matches[0], .widen = !IsReadAsIs(type, wanted.is_time)};
}

arrow::Status KernelChain::Impl::CheckOutputNames(std::size_t index) const {
  const auto taken = NamesBefore(index);
  const auto& names = output_names[index];
  for (std::size_t output = 0; output < names.size(); ++output) {
    const bool twice = std::count(names.begin(), names.end(), names[output]) > 1;
    if (!twice && std::find(taken.begin(), taken.end(), names[output]) == taken.end()) continue;
    return data::SchemaError(specs[index].kernel + ": output " + Quoted(names[output]) +
                             " exists already. Rename the output with outputs={'" +
                             std::string(kernels[index]->outputs()[output].name) + "': ...}.");
  }
  return arrow::Status::OK();
}

KernelChain::KernelChain(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
KernelChain::KernelChain(KernelChain&&) noexcept = default;
KernelChain& KernelChain::operator=(KernelChain&&) noexcept = default;
KernelChain::~KernelChain() = default;

const std::vector<KernelSpec>& KernelChain::kernels() const { return impl_->specs; }
const std::vector<std::string>& KernelChain::by() const { return impl_->by; }
bool KernelChain::stateful() const { return impl_->stateful; }
const std::optional<SymbolPair>& KernelChain::pair() const { return impl_->pair; }

arrow::Result<KernelChain> KernelChain::Make(std::vector<KernelSpec> kernels, std::vector<std::string> by) {
  auto impl = std::make_unique<Impl>();
  for (auto& spec : kernels) {
    ARROW_ASSIGN_OR_RAISE(auto kernel, MakeKeyedKernel(spec.kernel, spec.options));
    if (!impl->kernels.empty()) ARROW_RETURN_NOT_OK(CheckPair(*kernel, *impl->kernels.front()));
    impl->pair = kernel->pair();
    spec.kernel = std::string(kernel->doc().name);
    spec.options = kernel->options();
    std::vector<std::string> roles, names, renamed;
    for (const auto& input : kernel->inputs()) roles.emplace_back(input.role);
    for (const auto& [role, column] : spec.columns) {
      if (std::find(roles.begin(), roles.end(), role) != roles.end()) continue;
      return data::OptionError(spec.kernel + ": columns= names input " + Quoted(role) +
                               ", which it does not have (with these options)." + data::NearestNames(role, roles));
    }
    for (const auto& output : kernel->outputs()) names.emplace_back(output.name);
    for (const auto& [output, name] : spec.outputs) {
      if (std::find(names.begin(), names.end(), output) != names.end()) continue;
      return data::OptionError(spec.kernel + ": outputs= names output " + Quoted(output) + ", which it does not have." +
                               data::NearestNames(output, names));
    }
    for (const auto& name : names) {
      const auto other = spec.outputs.find(name);
      renamed.push_back(other == spec.outputs.end() ? name : other->second);
    }
    impl->stateful |= kernel->stateful();
    impl->kernels.push_back(std::move(kernel));
    impl->output_names.push_back(std::move(renamed));
  }
  if (impl->stateful && by.empty()) {
    return data::OptionError("by= names no key column; a kernel with state keeps it by key. Name at least one.");
  }
  if (impl->pair && by.size() > 1) {
    return data::OptionError(kernels.front().kernel + ": by= names " + std::to_string(by.size()) +
                             " key columns, but the pair's symbols are values of one. Name that one.");
  }
  impl->specs = std::move(kernels);
  impl->by = std::move(by);
  return KernelChain(std::move(impl));
}

arrow::Result<std::shared_ptr<arrow::Schema>> KernelChain::Bind(const std::shared_ptr<arrow::Schema>& input) {
  auto& chain = *impl_;
  if (chain.output != nullptr) {
    if (input == chain.input || input->Equals(*chain.input, /*check_metadata=*/false)) return chain.output;
    std::string difference;
    if (input->num_fields() != chain.input->num_fields()) {
      difference = std::to_string(chain.input->num_fields()) + " columns before, " +
                   std::to_string(input->num_fields()) + " now";
    }
    for (int i = 0; difference.empty() && i < input->num_fields(); ++i) {
      if (input->field(i)->Equals(*chain.input->field(i), /*check_metadata=*/false)) continue;
      difference = "column " + std::to_string(i) + " was " + chain.input->field(i)->ToString() + ", is " +
                   input->field(i)->ToString();
    }
    return data::SchemaError("the schema changed between batches: " + difference +
                             ". Give one schema to all batches, or start a new chain.");
  }
  chain.input = input;
  const auto abandon = [&](const arrow::Status& status) { return chain.input = nullptr, status; };
  arrow::FieldVector fields = input->fields();
  std::vector<std::vector<Binding>> bindings;
  std::vector<std::vector<int>> stage_inputs;
  if (chain.stateful) {
    if (chain.pair) {
      auto pair_keys = PairKeys::Make(*input, chain.by.front(), *chain.pair, chain.specs.front().kernel);
      if (!pair_keys.ok()) return abandon(pair_keys.status());
      chain.pair_keys = std::move(*pair_keys);
    }
    auto keys = data::KeyIndex::Make(*chain.key_schema(), chain.key_columns());
    if (!keys.ok()) return abandon(keys.status());
    if (chain.keys) {  // From a restored snapshot, whose keys are plain values: the same slots, ready for the input's
                       // encoding.
      std::vector<int32_t> slots;
      const auto restored = chain.keys->Keys();
      const auto status = restored.ok() ? keys->Insert(*restored, slots) : restored.status();
      if (!status.ok()) return abandon(status);
    }
    chain.keys = std::move(*keys);
    stage_inputs.emplace_back();
  }
  for (std::size_t index = 0; index < chain.kernels.size(); ++index) {
    const auto& kernel = *chain.kernels[index];
    auto& bound = bindings.emplace_back();
    auto& waits_for = stage_inputs.emplace_back();
    if (kernel.stateful()) waits_for.push_back(0);
    for (const auto& wanted : kernel.inputs()) {
      const auto binding = chain.BindInput(index, wanted);
      if (!binding.ok()) return abandon(binding.status());
      if (binding->kernel >= 0) waits_for.push_back(chain.first_kernel_stage() + binding->kernel);
      bound.push_back(*binding);
    }
    if (const auto status = chain.CheckOutputNames(index); !status.ok()) return abandon(status);
    for (std::size_t output = 0; output < kernel.outputs().size(); ++output) {
      fields.push_back(arrow::field(chain.output_names[index][output], kernel.outputs()[output].type));
    }
  }
  if (chain.stored != nullptr) {
    if (const auto status = chain.stored->Bound(); !status.ok()) return abandon(status);
  }
  chain.bindings = std::move(bindings);
  chain.stage_inputs = std::move(stage_inputs);
  chain.output = arrow::schema(std::move(fields), input->metadata());
  return chain.output;
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> KernelChain::Process(
    const std::shared_ptr<arrow::RecordBatch>& batch) {
  ARROW_ASSIGN_OR_RAISE(const auto run, Begin(batch));
  for (int64_t morsel = 0; morsel < run->morsels(); ++morsel) {
    for (int stage = 0; stage < run->stages(); ++stage) ARROW_RETURN_NOT_OK(run->Run(stage, morsel));
  }
  return run->Finish();
}

}  // namespace sabot::operators
