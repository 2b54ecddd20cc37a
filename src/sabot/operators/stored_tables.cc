// What a store holds as the tables of a snapshot, and back: through chains in memory of a few thousand keys at a time,
// so that there is one form of a snapshot, written and read in one place.
#include <arrow/array/concatenate.h>

#include <algorithm>
#include <numeric>
#include <utility>

#include "sabot/data/errors.h"
#include "sabot/operators/stored_state_internal.h"
#include "sabot/state/key_columns.h"

namespace sabot::operators {
namespace {

constexpr int64_t kKeysAtOnce = 8192;

std::string GroupKey(uint32_t group) {
  std::string key;
  state::AppendGroup(group, key);
  return key;
}

}  // namespace

// Reads entries in the order of their keys, which is that of the rows.
class StoredState::TableReader final : public arrow::RecordBatchReader {
 public:
  static arrow::Result<std::shared_ptr<TableReader>> Make(std::unique_ptr<state::KeyCursor> cursor, std::string where,
                                                          StateLabel label, std::size_t index) {
    ARROW_ASSIGN_OR_RAISE(const auto empty, ChainOf(label, {}, {}));
    ARROW_RETURN_NOT_OK(LabelOf(*empty.impl_, label.key_groups).CheckFits(label, where));
    ARROW_ASSIGN_OR_RAISE(const auto table, empty.Snapshot(index));
    auto reader = std::make_shared<TableReader>();
    reader->cursor_ = std::move(cursor);
    reader->where_ = std::move(where);
    reader->label_ = std::move(label);
    reader->index_ = index;
    reader->schema_ = table->schema();
    reader->at_end_ = reader->label_.kernels[index].bytes == 0;  // It has no state.
    return reader;
  }

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }

  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* batch) override {
    *batch = nullptr;
    const auto value_bytes = static_cast<std::size_t>(label_.value_bytes());
    while (!at_end_ && *batch == nullptr) {
      std::string bytes;  // Keys and values, as both are gone when the cursor moves.
      std::vector<std::size_t> ends;
      std::vector<std::byte> values;
      while (static_cast<int64_t>(ends.size()) < kKeysAtOnce) {
        ARROW_ASSIGN_OR_RAISE(const bool more, cursor_->Next());
        at_end_ = !more;
        if (at_end_) break;
        if (cursor_->value().size() != value_bytes) {
          return data::SnapshotError("state " + Quoted(where_) + ": a key has " +
                                     std::to_string(cursor_->value().size()) + " bytes of state, expected " +
                                     std::to_string(value_bytes) +
                                     ". The files are damaged; restore an earlier checkpoint.");
        }
        bytes += cursor_->key();
        ends.push_back(bytes.size());
        const auto value = std::as_bytes(std::span(cursor_->value()));
        values.insert(values.end(), value.begin(), value.end());
      }
      if (ends.empty()) break;
      Keys keys;
      std::vector<const std::byte*> from;
      std::size_t begin = 0;
      for (const std::size_t end : ends) {
        from.push_back(values.data() + keys.size() * value_bytes);
        keys.push_back(std::string_view(bytes).substr(begin, end - begin));
        begin = end;
      }
      ARROW_ASSIGN_OR_RAISE(const auto chain, ChainOf(label_, keys, from));
      ARROW_ASSIGN_OR_RAISE(const auto table, chain.Snapshot(index_));
      if (table->num_rows() > 0) {
        ARROW_ASSIGN_OR_RAISE(*batch, table->CombineChunksToBatch());
      }
    }
    return arrow::Status::OK();
  }

 private:
  std::unique_ptr<state::KeyCursor> cursor_;
  std::string where_;
  StateLabel label_;
  std::size_t index_ = 0;
  std::shared_ptr<arrow::Schema> schema_;
  bool at_end_ = false;
};

arrow::Result<KernelChain> StoredState::ChainOf(const StateLabel& label, const Keys& keys,
                                                std::span<const std::byte* const> values) {
  std::vector<KernelSpec> specs;
  for (const auto& kernel : label.kernels) specs.push_back(kernel.spec);
  ARROW_ASSIGN_OR_RAISE(auto chain, KernelChain::Make(std::move(specs), label.by));
  if (label.key_types.empty()) return chain;
  auto& impl = *chain.impl_;
  const auto fields = label.key_fields();
  ARROW_ASSIGN_OR_RAISE(impl.keys, data::KeyIndex::Make(arrow::Schema(fields), label.by));
  if (keys.empty()) return chain;
  ARROW_ASSIGN_OR_RAISE(const auto columns, state::KeyColumns(fields, keys));
  std::vector<int32_t> slots;
  ARROW_RETURN_NOT_OK(impl.keys->Insert(columns, slots));
  SetStates(impl, slots, values);
  return chain;
}

arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> StoredState::ReadTable(state::KeyStore& store,
                                                                                const StateLabel& label,
                                                                                std::size_t index) {
  ARROW_ASSIGN_OR_RAISE(auto cursor, store.Read("", kKeysEnd));
  return TableReader::Make(std::move(cursor), store.name(), label, index);
}

arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> StoredState::Freeze(std::size_t index) {
  ARROW_RETURN_NOT_OK(Flush());
  return ReadTable(*store_, label_, index);
}

arrow::Status StoredState::Restore(std::size_t index, const arrow::Table& snapshot) {
  ARROW_RETURN_NOT_OK(Flush());
  ARROW_RETURN_NOT_OK(Keep({}));
  for (int64_t begin = 0; begin < snapshot.num_rows(); begin += kKeysAtOnce) {
    ARROW_RETURN_NOT_OK(RestoreRows(index, *snapshot.Slice(begin, kKeysAtOnce)));
  }
  return arrow::Status::OK();
}

arrow::Status StoredState::RestoreRows(std::size_t index, const arrow::Table& rows) {
  ARROW_ASSIGN_OR_RAISE(auto chain, ChainOf(StateLabel{.kernels = label_.kernels, .by = label_.by}, {}, {}));
  ARROW_RETURN_NOT_OK(chain.Restore(index, rows));
  const auto& index_of_keys = *chain.impl_->keys;
  const auto fields = index_of_keys.KeyFields();
  std::vector<std::string> types;
  for (const auto& field : fields) types.push_back(field->type()->ToString());
  ARROW_RETURN_NOT_OK(Learn(std::move(types)));

  // Slots count the rows. Their keys, as the store has them.
  ARROW_ASSIGN_OR_RAISE(auto columns, index_of_keys.Keys());
  const auto batch = arrow::RecordBatch::Make(arrow::schema(fields), index_of_keys.size(), std::move(columns));
  ARROW_ASSIGN_OR_RAISE(auto hasher, data::KeyHasher::Make(*batch->schema(), label_.by));
  std::vector<uint32_t> hashes(static_cast<std::size_t>(batch->num_rows()));
  ARROW_RETURN_NOT_OK(hasher.Hash(*batch, hashes));
  std::vector<std::pair<std::string, int32_t>> sorted(hashes.size());
  for (std::size_t slot = 0; slot < sorted.size(); ++slot) {
    state::AppendGroup(groups_.Of(hashes[slot]), sorted[slot].first);
    ARROW_RETURN_NOT_OK(hasher.AppendBytes(*batch, static_cast<int64_t>(slot), sorted[slot].first));
    sorted[slot].second = static_cast<int32_t>(slot);
  }
  std::sort(sorted.begin(), sorted.end());
  Keys keys;
  std::vector<int32_t> slots;
  for (const auto& [key, slot] : sorted) {
    keys.push_back(key);
    slots.push_back(slot);
  }

  // What the store has of them already: of other kernels.
  const auto value_bytes = static_cast<std::size_t>(label_.value_bytes());
  std::vector<std::byte> values(keys.size() * value_bytes);
  std::vector<const std::byte*> from(keys.size());
  arrow::Status status;
  ARROW_RETURN_NOT_OK(store_->Get(keys, [&](std::size_t at, std::string_view value) {
    if (status.ok()) status = CheckValue(value);
    if (!status.ok()) return;
    std::copy_n(reinterpret_cast<const std::byte*>(value.data()), value_bytes, values.data() + at * value_bytes);
    from[at] = values.data() + at * value_bytes;
  }));
  ARROW_RETURN_NOT_OK(status);
  ARROW_ASSIGN_OR_RAISE(const auto before, ChainOf(label_, keys, from));
  ARROW_ASSIGN_OR_RAISE(const auto same_kernel, before.Snapshot(index));
  if (same_kernel->num_rows() > 0) {
    return data::SnapshotError("snapshot: a key of it has a state already. Restore a key once.");
  }
  for (std::size_t other = 0; other < chain.impl_->kernels.size(); ++other) {
    if (other != index) chain.impl_->kernels[other]->SetStates(slots, from);
    for (const std::byte*& value : from) {
      if (value != nullptr) value += label_.kernels[other].bytes;
    }
  }
  CopyStates(*chain.impl_, slots, label_.value_bytes(), values);
  std::vector<state::KeyStore::Entry> entries;
  for (std::size_t at = 0; at < keys.size(); ++at) {
    const auto* const value = reinterpret_cast<const char*>(values.data() + at * value_bytes);
    entries.push_back({keys[at], std::string_view(value, value_bytes)});
  }
  return store_->Write(entries);
}

arrow::Result<std::vector<state::KeyStore::File>> StoredState::FreezeFiles(const std::string& folder) {
  ARROW_RETURN_NOT_OK(Flush());
  return store_->Freeze(folder);
}

arrow::Status StoredState::RestoreFiles(std::span<const std::shared_ptr<state::KeyStore>> earlier,
                                        const std::function<bool(uint16_t group)>& owned) {
  ARROW_RETURN_NOT_OK(Flush());
  ARROW_RETURN_NOT_OK(Keep({}));
  std::vector<const state::KeyStore*> found_in(static_cast<std::size_t>(groups_.size()));
  for (const auto& store : earlier) {
    ARROW_ASSIGN_OR_RAISE(auto label, StateLabel::Read(*store));
    if (label.kernels.empty()) continue;  // No row ever came.
    ARROW_RETURN_NOT_OK(label_.CheckFits(label, store->name()));
    ARROW_RETURN_NOT_OK(Learn(std::move(label.key_types)));
    for (int32_t group = 0; group < groups_.size();) {
      int32_t end = group;
      while (end < groups_.size() && owned(static_cast<uint16_t>(end))) ++end;
      if (end > group) ARROW_RETURN_NOT_OK(CopyGroups(*store, group, end, found_in));
      group = end + 1;
    }
  }
  return arrow::Status::OK();
}

// Takes the entries of groups [begin, end). `found_in`: the store that had keys of a group, by group.
arrow::Status StoredState::CopyGroups(state::KeyStore& from, int32_t begin, int32_t end,
                                      std::vector<const state::KeyStore*>& found_in) {
  ARROW_ASSIGN_OR_RAISE(const auto cursor,
                        from.Read(GroupKey(static_cast<uint32_t>(begin)), GroupKey(static_cast<uint32_t>(end))));
  const auto value_bytes = static_cast<std::size_t>(label_.value_bytes());
  std::string bytes;
  std::vector<std::size_t> ends;  // Of keys, each followed by its value.
  const auto write = [&]() -> arrow::Status {
    std::vector<state::KeyStore::Entry> entries;
    std::size_t at = 0;
    for (const std::size_t key_end : ends) {
      entries.push_back(
          {std::string_view(bytes).substr(at, key_end - at), std::string_view(bytes).substr(key_end, value_bytes)});
      at = key_end + value_bytes;
    }
    bytes.clear();
    ends.clear();
    return store_->Write(entries);
  };
  for (;;) {
    ARROW_ASSIGN_OR_RAISE(const bool more, cursor->Next());
    if (!more) return write();
    ARROW_RETURN_NOT_OK(CheckValue(cursor->value(), from.name()));
    auto& first_store = found_in[state::GroupOf(cursor->key())];
    if (first_store == nullptr) first_store = &from;
    if (first_store != &from) {
      return data::SnapshotError(
          "state " + Quoted(from.name()) + " has keys of key group " + std::to_string(state::GroupOf(cursor->key())) +
          ", and so has " + Quoted(first_store->name()) + ". Give one folder of each copy, all of one checkpoint.");
    }
    bytes += cursor->key();
    ends.push_back(bytes.size());
    bytes += cursor->value();
    if (static_cast<int64_t>(ends.size()) == kKeysAtOnce) ARROW_RETURN_NOT_OK(write());
  }
}

}  // namespace sabot::operators
