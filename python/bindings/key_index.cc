// data::KeyIndex for kernels written in Python: keys to slots, as numpy arrays.
#include "sabot/data/key_index.h"

#include <arrow/array.h>
#include <arrow/table.h>
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <optional>

#include "python/bindings/arrow_capsules.h"
#include "python/bindings/errors.h"
#include "python/bindings/module.h"
#include "sabot/data/errors.h"

namespace sabot::python {
namespace {

template <class T>
using NumpyArray = nb::ndarray<nb::numpy, T, nb::ndim<1>>;

template <class T>
NumpyArray<T> ToNumpy(std::unique_ptr<T[]> values, std::size_t size) {
  T* const data = values.release();
  const nb::capsule owner(data, [](void* held) noexcept { delete[] static_cast<T*>(held); });
  return NumpyArray<T>(data, {size}, owner);
}

// One thread at a time: its owner in Python has a lock.
class Keys {
 public:
  explicit Keys(std::vector<std::string> by) : by_(std::move(by)) {}

  // Keys of before keep their slots.
  void Bind(const nb::object& schema) {
    auto keys = Check(data::KeyIndex::Make(*ImportSchema(schema), by_));
    if (keys_) {
      std::vector<int32_t> slots;
      Check(keys.Insert(Check(keys_->Keys()), slots));
    }
    keys_ = std::move(keys);
  }

  // (slot of each row, whether it has a key or None if all have), once bound.
  nb::tuple Resolve(const nb::object& batch) {
    const auto rows = Check(ImportReader(batch)->ToRecordBatches());
    int64_t count = 0;
    for (const auto& each : rows) count += each->num_rows();
    const auto size = static_cast<std::size_t>(count);
    auto slots = std::make_unique<int32_t[]>(size);
    auto has_key = std::make_unique<bool[]>(size);
    bool all_have_key = true;
    std::size_t done = 0;
    std::vector<uint64_t> words;
    for (const auto& each : rows) {
      const auto next = static_cast<std::size_t>(each->num_rows());
      words.assign((next + 63) / 64, 0);
      data::Slots found{.slots = {slots.get() + done, next}, .has_key = words};
      Check(keys_.value().Resolve(*each, 0, found));
      all_have_key = all_have_key && found.all_have_key;
      for (std::size_t row = 0; row < next; ++row) has_key[done + row] = ((words[row / 64] >> (row % 64)) & 1) != 0;
      done += next;
    }
    return nb::make_tuple(ToNumpy(std::move(slots), size),
                          all_have_key ? nb::object(nb::none()) : nb::cast(ToNumpy(std::move(has_key), size)));
  }

  int64_t size() const { return keys_ ? keys_->size() : 0; }

  // A row a slot.
  ArrowResult Table() const {
    const auto schema = arrow::schema(keys_.value().KeyFields());
    return {schema, {arrow::RecordBatch::Make(schema, keys_->size(), Check(keys_->Keys()))}};
  }

  // Gives slots to the keys of such a table, which may have other columns; returns them.
  NumpyArray<int32_t> Insert(const nb::object& data) {
    const auto table = Check(Check(ImportReader(data)->ToTable())->CombineChunksToBatch());
    arrow::FieldVector fields;
    arrow::ArrayVector columns;
    for (const auto& name : by_) {
      const auto column = table->GetColumnByName(name);
      if (column == nullptr) Check(data::SnapshotError("the snapshot has no key column '" + name + "'."));
      fields.push_back(arrow::field(name, column->type()));
      columns.push_back(column);
    }
    if (!table->ValidateFull().ok()) Check(data::SnapshotError("the snapshot is not a valid Arrow table."));
    if (!keys_) keys_ = Check(data::KeyIndex::Make(arrow::Schema(fields), by_));
    std::vector<int32_t> found;
    Check(keys_->Insert(columns, found));
    auto slots = std::make_unique<int32_t[]>(found.size());
    std::copy(found.begin(), found.end(), slots.get());
    return ToNumpy(std::move(slots), found.size());
  }

 private:
  std::vector<std::string> by_;
  std::optional<data::KeyIndex> keys_;
};

}  // namespace

void RegisterKeyIndex(nb::module_& module) {
  nb::class_<Keys>(module, "KeyIndex", "Keys to slots, by value.")
      .def(nb::init<std::vector<std::string>>(), nb::arg("by"))
      .def("bind", &Keys::Bind, nb::arg("schema"))
      .def("resolve", &Keys::Resolve, nb::arg("batch"))
      .def("keys", &Keys::Table)
      .def("insert", &Keys::Insert, nb::arg("keys"))
      .def_prop_ro("size", &Keys::size);
  module.def("nearest_names", [](const std::string& wanted, const std::vector<std::string>& names) {
    return data::NearestNames(wanted, names);
  });
}

}  // namespace sabot::python
