#include <arrow/array/builder_primitive.h>
#include <arrow/compute/api.h>
#include <arrow/util/key_value_metadata.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sabot/data/errors.h"
#include "sabot/operators/kernel_chain_internal.h"
#include "sabot/operators/stored_state_internal.h"

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

// The frozen state of a kernel with the keys of its slots.
class FrozenReader final : public arrow::RecordBatchReader {
 public:
  FrozenReader(std::shared_ptr<arrow::Schema> schema, std::unique_ptr<FrozenKernel> kernel,
               std::vector<std::shared_ptr<const arrow::ArrayVector>> keys)
      : schema_(std::move(schema)), kernel_(std::move(kernel)), keys_(std::move(keys)) {}

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }

  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* batch) override {
    *batch = nullptr;
    FrozenKernel::Rows rows;
    while (kernel_ != nullptr) {
      ARROW_ASSIGN_OR_RAISE(const bool more, kernel_->Next(rows));
      if (!more) kernel_ = nullptr, keys_.clear();
      if (rows.slots.empty()) continue;
      ARROW_ASSIGN_OR_RAISE(auto columns, KeysOf(rows.slots));
      columns.insert(columns.end(), rows.columns.begin(), rows.columns.end());
      *batch = arrow::RecordBatch::Make(schema_, static_cast<int64_t>(rows.slots.size()), std::move(columns));
      break;
    }
    return arrow::Status::OK();
  }

  arrow::Status Close() override {
    kernel_ = nullptr;
    keys_.clear();
    return arrow::Status::OK();
  }

 private:
  // Slots ascend, and all of them are of one entry of `keys_`.
  arrow::Result<arrow::ArrayVector> KeysOf(const std::vector<int32_t>& slots) const {
    arrow::ArrayVector keys = *keys_[static_cast<std::size_t>(slots.front() / kFrozenSlots)];
    const int64_t first = slots.front() % kFrozenSlots, rows = static_cast<int64_t>(slots.size());
    if (slots.back() - slots.front() == rows - 1) {
      for (auto& key : keys) key = key->Slice(first, rows);
      return keys;
    }
    arrow::Int32Builder builder;
    ARROW_RETURN_NOT_OK(builder.Reserve(rows));
    for (const int32_t slot : slots) builder.UnsafeAppend(static_cast<int32_t>(slot % kFrozenSlots));
    ARROW_ASSIGN_OR_RAISE(const auto indices, builder.Finish());
    for (auto& key : keys) {
      ARROW_ASSIGN_OR_RAISE(const auto taken, arrow::compute::Take(key, indices));
      key = taken.make_array();
    }
    return keys;
  }

  std::shared_ptr<arrow::Schema> schema_;
  std::unique_ptr<FrozenKernel> kernel_;  // nullptr: there is nothing more.
  std::vector<std::shared_ptr<const arrow::ArrayVector>> keys_;
};

}  // namespace

arrow::Status KernelChain::Impl::EncodeKeys() {
  const int64_t size = keys->size();
  if (size == keys_encoded) return arrow::Status::OK();
  key_chunks.resize(static_cast<std::size_t>(keys_encoded / kFrozenSlots));  // The last one may have grown.
  while (static_cast<int64_t>(key_chunks.size()) * kFrozenSlots < size) {
    const int64_t begin = static_cast<int64_t>(key_chunks.size()) * kFrozenSlots;
    ARROW_ASSIGN_OR_RAISE(auto chunk, keys->Keys(begin, std::min(begin + kFrozenSlots, size)));
    key_chunks.push_back(std::make_shared<const arrow::ArrayVector>(std::move(chunk)));
  }
  keys_encoded = size;
  return arrow::Status::OK();
}

arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> KernelChain::Freeze(std::size_t index) const {
  if (impl_->stored != nullptr) return impl_->stored->Freeze(index);
  auto& kernel = *impl_->kernels[index];
  const auto& spec = impl_->specs[index];
  auto metadata = arrow::key_value_metadata(
      {std::string(kKernelKey), std::string(kVersionKey), std::string(kOptionsKey), std::string(kColumnsKey),
       std::string(kOutputsKey), std::string(kByKey)},
      {spec.kernel, std::to_string(kernel.state_version()), kernels::OptionsToJson(spec.options), JsonOf(spec.columns),
       JsonOf(spec.outputs), nlohmann::json(impl_->by).dump()});
  if (!impl_->keys || !kernel.stateful()) {
    return std::make_shared<FrozenReader>(arrow::schema({}, std::move(metadata)), nullptr,
                                          std::vector<std::shared_ptr<const arrow::ArrayVector>>());
  }
  auto frozen = kernel.Freeze();
  arrow::FieldVector fields = impl_->keys->KeyFields();
  const auto& key_columns = impl_->key_columns();
  for (const auto& field : frozen->fields()) {  // A state column named like a key column would hide it.
    if (std::find(key_columns.begin(), key_columns.end(), field->name()) != key_columns.end()) {
      return data::SnapshotError(spec.kernel + ": key column " + Quoted(field->name()) +
                                 " has the name of a column of the state. Rename the key column.");
    }
    fields.push_back(field);
  }
  ARROW_RETURN_NOT_OK(impl_->EncodeKeys());
  return std::make_shared<FrozenReader>(arrow::schema(std::move(fields), std::move(metadata)), std::move(frozen),
                                        impl_->key_chunks);
}

arrow::Result<std::shared_ptr<arrow::Table>> KernelChain::Snapshot(std::size_t index) const {
  ARROW_ASSIGN_OR_RAISE(const auto frozen, Freeze(index));
  return frozen->ToTable();
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
  if (impl_->stored != nullptr) return impl_->stored->Restore(index, snapshot);
  const auto malformed = [] { return data::SnapshotError("the snapshot is not a valid Arrow table."); };
  if (!snapshot.Validate().ok()) return malformed();
  std::vector<int> key_columns;
  arrow::FieldVector key_fields;
  for (const auto& by : impl_->key_columns()) {
    key_columns.push_back(snapshot.schema()->GetFieldIndex(by));
    if (key_columns.back() < 0) return data::SnapshotError("the snapshot has no key column " + Quoted(by) + ".");
    key_fields.push_back(snapshot.schema()->field(key_columns.back()));
  }
  if (!impl_->keys) {
    ARROW_ASSIGN_OR_RAISE(impl_->keys, data::KeyIndex::Make(arrow::Schema(key_fields), impl_->key_columns()));
  }
  std::vector<bool> restored;  // By slot.
  std::vector<int32_t> slots;
  arrow::TableBatchReader batches(snapshot);
  for (std::shared_ptr<arrow::RecordBatch> batch;;) {
    ARROW_RETURN_NOT_OK(batches.ReadNext(&batch));
    if (batch == nullptr) return arrow::Status::OK();
    if (!batch->ValidateFull().ok()) return malformed();
    arrow::ArrayVector keys;
    for (const int column : key_columns) keys.push_back(batch->column(column));
    ARROW_RETURN_NOT_OK(impl_->keys->Insert(keys, slots));
    restored.resize(static_cast<std::size_t>(impl_->keys->size()));
    for (const int32_t slot : slots) {
      if (restored[static_cast<std::size_t>(slot)]) return data::SnapshotError("the snapshot holds a key twice.");
      restored[static_cast<std::size_t>(slot)] = true;
    }
    ARROW_RETURN_NOT_OK(kernel.Restore(*batch, slots));
  }
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
