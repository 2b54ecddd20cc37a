#include <arrow/array/builder_primitive.h>
#include <arrow/compute/api.h>
#include <arrow/util/key_value_metadata.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sabot/data/errors.h"
#include "sabot/operators/kernel_chain_internal.h"

namespace sabot::operators {

// A snapshot is taken back only by a kernel of the same name, state version and options.
namespace {

std::string JsonOf(const std::map<std::string, std::string>& names) { return nlohmann::json(names).dump(); }

constexpr std::string_view kKernelKey = "sabot.kernel", kVersionKey = "sabot.state_version",
                           kOptionsKey = "sabot.options", kColumnsKey = "sabot.columns", kOutputsKey = "sabot.outputs",
                           kByKey = "sabot.by";

arrow::Result<std::string> MetadataOf(const arrow::Schema& schema, std::string_view key) {
  if (schema.metadata() != nullptr) {
    if (auto value = schema.metadata()->Get(std::string(key)); value.ok()) return *value;
  }
  return data::SnapshotError("this table is no snapshot: its metadata has no " + Quoted(key) +
                             ". Give what snapshot() returned, with its schema's metadata.");
}

}  // namespace

arrow::Result<std::shared_ptr<arrow::Table>> KernelChain::Snapshot(std::size_t index) const {
  const auto& kernel = *impl_->kernels[index];
  state::Columns own;
  std::vector<int32_t> slots;
  ARROW_RETURN_NOT_OK(kernel.Snapshot(own, slots));
  state::Columns all;
  if (impl_->keys && kernel.stateful()) {
    ARROW_ASSIGN_OR_RAISE(const auto keys, impl_->keys->Keys());
    all.fields = impl_->keys->KeyFields();
    arrow::Int32Builder rows;
    ARROW_RETURN_NOT_OK(rows.AppendValues(slots));
    ARROW_ASSIGN_OR_RAISE(const auto indices, rows.Finish());
    for (const auto& key : keys) {
      ARROW_ASSIGN_OR_RAISE(const auto taken, arrow::compute::Take(key, indices));
      all.arrays.push_back(taken.make_array());
    }
    // A state column named like a key column would hide it.
    for (auto& field : own.fields) {
      if (std::find(impl_->by.begin(), impl_->by.end(), field->name()) != impl_->by.end()) {
        return data::SnapshotError(impl_->specs[index].kernel + ": key column " + Quoted(field->name()) +
                                   " has the name of a column of the state. Rename the key column.");
      }
    }
    all.fields.insert(all.fields.end(), own.fields.begin(), own.fields.end());
    all.arrays.insert(all.arrays.end(), own.arrays.begin(), own.arrays.end());
  }
  const auto& spec = impl_->specs[index];
  auto metadata = arrow::key_value_metadata(
      {std::string(kKernelKey), std::string(kVersionKey), std::string(kOptionsKey), std::string(kColumnsKey),
       std::string(kOutputsKey), std::string(kByKey)},
      {spec.kernel, std::to_string(kernel.state_version()), kernels::OptionsToJson(spec.options), JsonOf(spec.columns),
       JsonOf(spec.outputs), nlohmann::json(impl_->by).dump()});
  return arrow::Table::Make(arrow::schema(all.fields, std::move(metadata)), all.arrays,
                            static_cast<int64_t>(slots.size()));
}

arrow::Status KernelChain::Restore(std::size_t index, const arrow::Table& snapshot) {
  auto& kernel = *impl_->kernels[index];
  const auto& spec = impl_->specs[index];
  ARROW_ASSIGN_OR_RAISE(const auto name, MetadataOf(*snapshot.schema(), kKernelKey));
  ARROW_ASSIGN_OR_RAISE(const auto version, MetadataOf(*snapshot.schema(), kVersionKey));
  ARROW_ASSIGN_OR_RAISE(const auto options, MetadataOf(*snapshot.schema(), kOptionsKey));
  const auto print = [](const std::string& n, const std::string& v, const std::string& o) {
    return n + " version " + v + " " + o;
  };
  const auto found = print(name, version, options);
  const auto expected =
      print(spec.kernel, std::to_string(kernel.state_version()), kernels::OptionsToJson(spec.options));
  if (found != expected) {
    return data::SnapshotError(
        "the snapshot is of " + found + ", the kernel is " + expected +
        ". Restore it into a kernel of the same name, version and options, or start without it.");
  }
  if (!kernel.stateful() || snapshot.num_rows() == 0) return arrow::Status::OK();
  ARROW_ASSIGN_OR_RAISE(const auto batch, snapshot.CombineChunksToBatch());
  ARROW_RETURN_NOT_OK(batch->ValidateFull().ok() ? arrow::Status::OK()
                                                 : data::SnapshotError("the snapshot is not a valid Arrow table."));
  std::vector<std::shared_ptr<arrow::Array>> keys;
  arrow::FieldVector key_fields;
  for (const auto& by : impl_->by) {
    auto key = batch->GetColumnByName(by);
    if (key == nullptr) return data::SnapshotError("the snapshot has no key column " + Quoted(by) + ".");
    key_fields.push_back(arrow::field(by, key->type()));
    keys.push_back(std::move(key));
  }
  if (!impl_->keys) {
    ARROW_ASSIGN_OR_RAISE(impl_->keys, data::KeyIndex::Make(arrow::Schema(key_fields), impl_->by));
  }
  std::vector<int32_t> slots;
  ARROW_RETURN_NOT_OK(impl_->keys->Insert(keys, slots));
  std::vector<int32_t> sorted = slots;
  std::sort(sorted.begin(), sorted.end());
  if (std::adjacent_find(sorted.begin(), sorted.end()) != sorted.end()) {
    return data::SnapshotError("the snapshot holds a key twice.");
  }
  return kernel.Restore(*batch, slots);
}

arrow::Result<std::pair<KernelSpec, std::vector<std::string>>> KernelChain::SpecOf(const arrow::Schema& snapshot) {
  KernelSpec spec;
  ARROW_ASSIGN_OR_RAISE(spec.kernel, MetadataOf(snapshot, kKernelKey));
  ARROW_ASSIGN_OR_RAISE(const auto options, MetadataOf(snapshot, kOptionsKey));
  ARROW_ASSIGN_OR_RAISE(spec.options, kernels::OptionsFromJson(options));
  ARROW_ASSIGN_OR_RAISE(const auto columns, MetadataOf(snapshot, kColumnsKey));
  ARROW_ASSIGN_OR_RAISE(const auto outputs, MetadataOf(snapshot, kOutputsKey));
  ARROW_ASSIGN_OR_RAISE(const auto by_text, MetadataOf(snapshot, kByKey));
  const auto names = [](const std::string& text, std::map<std::string, std::string>& to) {
    const auto json = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
    if (!json.is_object()) return false;
    for (const auto& [name, value] : json.items()) {
      if (!value.is_string()) return false;
      to[name] = value.get<std::string>();
    }
    return true;
  };
  std::vector<std::string> by;
  const auto json = nlohmann::json::parse(by_text, nullptr, /*allow_exceptions=*/false);
  bool good = json.is_array() && names(columns, spec.columns) && names(outputs, spec.outputs);
  for (std::size_t i = 0; good && i < json.size(); ++i) {
    good = json[i].is_string();
    if (good) by.push_back(json[i].get<std::string>());
  }
  if (!good) return data::SnapshotError("the snapshot's metadata is damaged.");
  return std::pair(std::move(spec), std::move(by));
}

}  // namespace sabot::operators
