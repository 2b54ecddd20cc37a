#include <arrow/type.h>

#include <nlohmann/json.hpp>
#include <utility>

#include "sabot/data/errors.h"
#include "sabot/data/key_group.h"
#include "sabot/operators/kernel_chain_internal.h"
#include "sabot/operators/state_label_internal.h"

namespace sabot::operators {
namespace {

constexpr int kFormat = 1;  // Of the values and the label.

arrow::Status Damaged(const std::string& where) {
  return data::SnapshotError("state " + Quoted(where) +
                             ": what it says of its kernels cannot be read. The files are damaged or of another "
                             "version of Sabot; restore an earlier checkpoint.");
}

std::shared_ptr<arrow::DataType> TypeOf(std::string_view name) {
  if (name == "int64") return arrow::int64();
  if (name == "uint64") return arrow::uint64();
  return name == "string" ? arrow::utf8() : nullptr;
}

std::string Listed(const std::vector<std::string>& names) {
  std::string text;
  for (const auto& name : names) text += (text.empty() ? "" : ", ") + name;
  return "(" + text + ")";
}

std::string Described(const StateLabel::Kernel& kernel) {
  return kernel.spec.kernel + " version " + std::to_string(kernel.version) + " " +
         kernels::OptionsToJson(kernel.spec.options);
}

}  // namespace

arrow::FieldVector StateLabel::key_fields() const {
  arrow::FieldVector fields;
  for (std::size_t key = 0; key < key_types.size(); ++key) {
    fields.push_back(arrow::field(key_columns[key], TypeOf(key_types[key]), /*nullable=*/false));
  }
  return fields;
}

arrow::Status StateLabel::CheckFits(const StateLabel& found, const std::string& where) const {
  const auto refuse = [&](const std::string& difference) {
    return data::SnapshotError("state " + Quoted(where) + " is of another pipeline: " + difference +
                               ". Restore it into the same kernels, versions, options and key columns, or start "
                               "without it.");
  };
  if (found.kernels.size() != kernels.size()) {
    return refuse("it has " + std::to_string(found.kernels.size()) + " kernels, the chain " +
                  std::to_string(kernels.size()));
  }
  for (std::size_t index = 0; index < kernels.size(); ++index) {
    const auto theirs = Described(found.kernels[index]), ours = Described(kernels[index]);
    if (theirs != ours) return refuse("it is of " + theirs + ", the kernel is " + ours);
    if (found.kernels[index].bytes != kernels[index].bytes) return Damaged(where);
  }
  if (found.by != by) return refuse("its key columns are " + Listed(found.by) + ", the job's " + Listed(by));
  if (!key_types.empty() && !found.key_types.empty() && found.key_types != key_types) {
    return refuse("its keys have types " + Listed(found.key_types) + ", the job's " + Listed(key_types));
  }
  if (found.key_groups != key_groups) {
    return refuse("it has " + std::to_string(found.key_groups) + " key groups, the job " + std::to_string(key_groups));
  }
  return arrow::Status::OK();
}

std::string StateLabel::ToJson() const {
  auto list = nlohmann::json::array();
  for (const auto& kernel : kernels) {
    list.push_back({{"kernel", kernel.spec.kernel},
                    {"state_version", kernel.version},
                    {"options", kernels::OptionsToJson(kernel.spec.options)},
                    {"columns", kernel.spec.columns},
                    {"outputs", kernel.spec.outputs},
                    {"bytes", kernel.bytes}});
  }
  nlohmann::json label{
      {"format", kFormat}, {"kernels", list}, {"by", by}, {"key_types", key_types}, {"key_groups", key_groups}};
  if (key_columns != by) label["key_columns"] = key_columns;
  return label.dump();
}

arrow::Result<StateLabel> StateLabel::FromJson(std::string_view text, const std::string& where) {
  StateLabel label;
  try {
    const auto json = nlohmann::json::parse(text);
    if (json.at("format").get<int>() != kFormat) return Damaged(where);
    for (const auto& entry : json.at("kernels")) {
      auto& kernel = label.kernels.emplace_back();
      kernel.spec.kernel = entry.at("kernel").get<std::string>();
      ARROW_ASSIGN_OR_RAISE(kernel.spec.options, kernels::OptionsFromJson(entry.at("options").get<std::string>()));
      kernel.spec.columns = entry.at("columns").get<std::map<std::string, std::string>>();
      kernel.spec.outputs = entry.at("outputs").get<std::map<std::string, std::string>>();
      kernel.version = entry.at("state_version").get<int32_t>();
      kernel.bytes = entry.at("bytes").get<int64_t>();
      if (kernel.bytes < kStateGrows) return Damaged(where);
    }
    label.by = json.at("by").get<std::vector<std::string>>();
    label.key_columns = json.value("key_columns", label.by);
    label.key_types = json.at("key_types").get<std::vector<std::string>>();
    label.key_groups = json.at("key_groups").get<int32_t>();
  } catch (const nlohmann::json::exception&) {
    return Damaged(where);
  }
  bool good = !label.kernels.empty() && !label.by.empty() && label.key_types.size() == label.key_columns.size() &&
              label.key_groups >= 1 && label.key_groups <= data::kKeyGroupsMax;
  for (const auto& type : label.key_types) good = good && TypeOf(type) != nullptr;
  if (!good) return Damaged(where);
  return label;
}

arrow::Status StateLabel::Write(state::KeyStore& store) const {
  const std::string text = ToJson();
  const state::KeyStore::Entry entry{.key = kLabelKey, .value = text};
  return store.Write({&entry, 1});
}

arrow::Result<StateLabel> StateLabel::Read(state::KeyStore& store) {
  std::string text;
  bool there = false;
  ARROW_RETURN_NOT_OK(store.Get({&kLabelKey, 1}, [&](std::size_t, std::string_view value) {
    text = value;
    there = true;
  }));
  if (!there) return StateLabel{};
  return FromJson(text, store.name());
}

}  // namespace sabot::operators
