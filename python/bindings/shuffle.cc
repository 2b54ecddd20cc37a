// Partitioners, and the hash of a key.
#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/table.h>
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "python/bindings/arrow_capsules.h"
#include "python/bindings/errors.h"
#include "python/bindings/module.h"
#include "sabot/data/errors.h"
#include "sabot/data/key_group.h"
#include "sabot/data/key_hash.h"
#include "sabot/shuffle/hash_partitioner.h"
#include "sabot/shuffle/registry.h"
#include "sabot/shuffle/split.h"

namespace sabot::python {
namespace {

// All rows as one batch; uncopied where they come as one.
std::shared_ptr<arrow::RecordBatch> OneBatch(arrow::RecordBatchReader& reader) {
  const auto batches = Check(reader.ToRecordBatches());
  if (batches.size() == 1) return batches[0];
  return Check(Check(arrow::Table::FromRecordBatches(reader.schema(), batches))->CombineChunksToBatch());
}

class Partitioner {
 public:
  explicit Partitioner(std::unique_ptr<shuffle::Partitioner> partitioner) : partitioner_(std::move(partitioner)) {}

  // Rows count as those of one source, in the order in which they are given.
  nb::list Partition(const nb::object& data) {
    const auto reader = ImportReader(data);
    arrow::RecordBatchVector parts;
    {
      const nb::gil_scoped_release released;
      const auto batch = OneBatch(*reader);
      const std::scoped_lock lock(mutex_);
      const auto split = Check(
          partitioner_->Partition({.rows = batch, .places = data::Places::OfSource(0, rows_seen_, batch->num_rows())}));
      parts = Check(shuffle::Scatter(*batch, split));
      rows_seen_ += batch->num_rows();
    }
    nb::list results;
    for (const auto& part : parts) {
      if (part == nullptr) {
        results.append(nb::none());
      } else {
        results.append(nb::cast(ArrowResult(part)));
      }
    }
    return results;
  }

  // (key, rows at least, rows at most, share at least) of the hottest keys; none of a partitioner without keys.
  nb::list HotKeys(int32_t count) {
    std::vector<data::HotKey> hottest;
    if (const auto* const hash = dynamic_cast<const shuffle::HashPartitioner*>(partitioner_.get())) {
      const nb::gil_scoped_release released;
      const std::scoped_lock lock(mutex_);
      hottest = hash->hot_keys().Hottest(count);
    }
    nb::list entries;
    for (const auto& key : hottest) {
      const nb::object text =
          nb::steal(PyUnicode_DecodeUTF8(key.key.data(), static_cast<Py_ssize_t>(key.key.size()), "backslashreplace"));
      entries.append(nb::make_tuple(text, key.rows_at_least, key.rows_at_most, key.share_at_least));
    }
    return entries;
  }

  std::vector<int64_t> RowsByGroup() {
    const nb::gil_scoped_release released;
    const std::scoped_lock lock(mutex_);
    const auto* const hash = dynamic_cast<const shuffle::HashPartitioner*>(partitioner_.get());
    if (hash == nullptr) return {};
    return hash->rows_of_group();
  }

 private:
  std::mutex mutex_;
  std::unique_ptr<shuffle::Partitioner> partitioner_;
  int64_t rows_seen_ = 0;
};

// `bounds` is a table of one column.
std::unique_ptr<Partitioner> Make(const nb::object& schema, int partitions, std::string name,
                                  std::vector<std::string> keys, int32_t key_groups, std::string column,
                                  const nb::object& bounds, int64_t block_rows) {
  shuffle::PartitionerSpec spec{.name = std::move(name),
                                .keys = std::move(keys),
                                .key_groups = key_groups,
                                .column = std::move(column),
                                .block_rows = block_rows};
  if (!bounds.is_none()) spec.bounds = OneBatch(*ImportReader(bounds))->column(0);
  return std::make_unique<Partitioner>(Check(shuffle::MakePartitioner(spec, ImportSchema(schema), partitions)));
}

template <class Builder, class ValueOf>
ArrowResult OfHashes(const nb::object& data, std::vector<std::string> keys, const char* name, ValueOf value_of) {
  const auto reader = ImportReader(data);
  const nb::gil_scoped_release released;
  auto hasher = Check(data::KeyHasher::Make(*reader->schema(), std::move(keys)));
  arrow::RecordBatchVector batches;
  Builder builder;
  const auto schema = arrow::schema({arrow::field(name, builder.type(), /*nullable=*/false)});
  std::vector<uint32_t> hashes;
  for (;;) {
    const auto batch = Check(reader->Next());
    if (batch == nullptr) return {schema, std::move(batches)};
    hashes.resize(static_cast<std::size_t>(batch->num_rows()));
    Check(hasher.Hash(*batch, hashes));
    Check(builder.Reserve(batch->num_rows()));
    for (const uint32_t hash : hashes) builder.UnsafeAppend(value_of(hash));
    batches.push_back(arrow::RecordBatch::Make(schema, batch->num_rows(), {Check(builder.Finish())}));
  }
}

ArrowResult KeyHash(const nb::object& data, std::vector<std::string> keys) {
  return OfHashes<arrow::UInt32Builder>(data, std::move(keys), "hash", [](uint32_t hash) { return hash; });
}

ArrowResult KeyGroup(const nb::object& data, std::vector<std::string> keys, int32_t key_groups) {
  Check(data::KeyGroupTable::Make(key_groups, 1));  // Says what is wrong with the number.
  const data::KeyGroups groups(key_groups);
  return OfHashes<arrow::UInt16Builder>(data, std::move(keys), "group",
                                        [&groups](uint32_t hash) { return groups.Of(hash); });
}

}  // namespace

void RegisterShuffle(nb::module_& module) {
  nb::class_<Partitioner>(module, "Partitioner")
      .def("partition", &Partitioner::Partition, nb::arg("data"))
      .def("hot_keys", &Partitioner::HotKeys, nb::arg("count"))
      .def("rows_by_group", &Partitioner::RowsByGroup);
  module.def("make_partitioner", &Make, nb::arg("schema"), nb::arg("partitions"), nb::arg("name"), nb::arg("keys"),
             nb::arg("key_groups"), nb::arg("column"), nb::arg("bounds").none(), nb::arg("block_rows"));
  module.def(
      "check_partitions", [](int partitions) { Check(shuffle::CheckPartitions(partitions)); }, nb::arg("partitions"));
  module.def("key_hash", &KeyHash, nb::arg("data"), nb::arg("keys"));
  module.def("key_group", &KeyGroup, nb::arg("data"), nb::arg("keys"), nb::arg("key_groups"));
}

}  // namespace sabot::python
