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
constexpr std::size_t kBytesAtOnce = std::size_t{64} << 20;

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
    ARROW_ASSIGN_OR_RAISE(const auto empty, ChainOf(label, {}, {}, where));
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
    while (!at_end_ && *batch == nullptr) {
      Values keys, values;  // Copies, as both are gone when the cursor moves.
      while (static_cast<int64_t>(keys.size()) < kKeysAtOnce && values.bytes.size() < kBytesAtOnce) {
        ARROW_ASSIGN_OR_RAISE(const bool more, cursor_->Next());
        at_end_ = !more;
        if (at_end_) break;
        keys.Add(cursor_->key());
        values.Add(cursor_->value());
      }
      if (keys.size() == 0) break;
      Keys views;
      for (std::size_t at = 0; at < keys.size(); ++at) views.push_back(keys[at]);
      ARROW_ASSIGN_OR_RAISE(const auto chain, ChainOf(label_, views, values, where_));
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

arrow::Result<KernelChain> StoredState::ChainOf(const StateLabel& label, const Keys& keys, const Values& values,
                                                const std::string& where) {
  std::vector<KernelSpec> specs;
  for (const auto& kernel : label.kernels) specs.push_back(kernel.spec);
  ARROW_ASSIGN_OR_RAISE(auto chain, KernelChain::Make(std::move(specs), label.by));
  if (label.key_types.empty()) return chain;
  auto& impl = *chain.impl_;
  const auto fields = label.key_fields();
  ARROW_ASSIGN_OR_RAISE(impl.keys, data::KeyIndex::Make(arrow::Schema(fields), label.key_columns));
  if (keys.empty()) return chain;
  ARROW_ASSIGN_OR_RAISE(const auto columns, state::KeyColumns(fields, keys));
  std::vector<int32_t> slots;
  ARROW_RETURN_NOT_OK(impl.keys->Insert(columns, slots));
  for (std::size_t at = 0; at < slots.size(); ++at) {
    ARROW_ASSIGN_OR_RAISE(const auto states, Split(impl, values[at], where));
    for (std::size_t index = 0; index < states.size(); ++index) impl.kernels[index]->SetState(slots[at], states[index]);
  }
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
  const StateLabel label{.kernels = label_.kernels, .by = label_.by, .key_columns = label_.key_columns};
  ARROW_ASSIGN_OR_RAISE(auto chain, ChainOf(label, {}, {}, store_->name()));
  ARROW_RETURN_NOT_OK(chain.Restore(index, rows));
  const auto& index_of_keys = *chain.impl_->keys;
  const auto fields = index_of_keys.KeyFields();
  std::vector<std::string> types;
  for (const auto& field : fields) types.push_back(field->type()->ToString());
  ARROW_RETURN_NOT_OK(Learn(std::move(types)));

  // Slots count the rows. Their keys, as the store has them.
  ARROW_ASSIGN_OR_RAISE(auto columns, index_of_keys.Keys());
  const auto batch = arrow::RecordBatch::Make(arrow::schema(fields), index_of_keys.size(), std::move(columns));
  ARROW_ASSIGN_OR_RAISE(auto hasher, data::KeyHasher::Make(*batch->schema(), label_.key_columns));
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
  std::vector<std::string> found(keys.size());
  ARROW_RETURN_NOT_OK(store_->Get(keys, [&](std::size_t at, std::string_view value) { found[at] = value; }));
  Values before;
  for (const auto& value : found) before.Add(value);
  ARROW_ASSIGN_OR_RAISE(const auto chain_before, ChainOf(label_, keys, before, store_->name()));
  ARROW_ASSIGN_OR_RAISE(const auto same_kernel, chain_before.Snapshot(index));
  if (same_kernel->num_rows() > 0) {
    return data::SnapshotError("snapshot: a key of it has a state already. Restore a key once.");
  }
  Values after;
  for (std::size_t at = 0; at < keys.size(); ++at) {
    ARROW_ASSIGN_OR_RAISE(const auto states, Split(*chain.impl_, before[at], store_->name()));
    for (std::size_t other = 0; other < states.size(); ++other) {
      if (other != index) chain.impl_->kernels[other]->SetState(slots[at], states[other]);
    }
    Append(*chain.impl_, slots[at], after);
  }
  std::vector<state::KeyStore::Entry> entries;
  for (std::size_t at = 0; at < keys.size(); ++at) entries.push_back({keys[at], after[at]});
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
  Values keys, values;
  const auto write = [&]() -> arrow::Status {
    std::vector<state::KeyStore::Entry> entries;
    for (std::size_t at = 0; at < keys.size(); ++at) entries.push_back({keys[at], values[at]});
    ARROW_RETURN_NOT_OK(store_->Write(entries));
    keys.Clear();
    values.Clear();
    return arrow::Status::OK();
  };
  for (;;) {
    ARROW_ASSIGN_OR_RAISE(const bool more, cursor->Next());
    if (!more) return write();
    ARROW_RETURN_NOT_OK(Split(chain_, cursor->value(), from.name()).status());
    auto& first_store = found_in[state::GroupOf(cursor->key())];
    if (first_store == nullptr) first_store = &from;
    if (first_store != &from) {
      return data::SnapshotError(
          "state " + Quoted(from.name()) + " has keys of key group " + std::to_string(state::GroupOf(cursor->key())) +
          ", and so has " + Quoted(first_store->name()) + ". Give one folder of each copy, all of one checkpoint.");
    }
    keys.Add(cursor->key());
    values.Add(cursor->value());
    if (static_cast<int64_t>(keys.size()) == kKeysAtOnce || values.bytes.size() >= kBytesAtOnce) {
      ARROW_RETURN_NOT_OK(write());
    }
  }
}

}  // namespace sabot::operators
