// The state of a chain behind its slots: a store has it, and the slots hold the keys that were used last. Which keys a
// batch needs is found out, and those are read at once, before its kernels run; they know nothing of it.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/table.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sabot/data/key_group.h"
#include "sabot/data/key_hash.h"
#include "sabot/data/key_index.h"
#include "sabot/operators/kernel_chain_internal.h"
#include "sabot/operators/state_label_internal.h"
#include "sabot/state/key_store.h"

namespace sabot::operators {

class StoredState {
 public:
  StoredState(KernelChain::Impl& chain, std::shared_ptr<state::KeyStore> store, int64_t cached_keys, StateLabel label)
      : chain_(chain),
        store_(std::move(store)),
        cached_keys_(cached_keys),
        groups_(label.key_groups),
        label_(std::move(label)) {}

  // The label of a chain without its key types.
  static StateLabel LabelOf(const KernelChain::Impl& chain, int32_t key_groups);
  // The chain has been bound: its keys have types now. Error (kSnapshot): the store's have others.
  arrow::Status Bound();

  // A batch, in this order: room for its keys; the slots that they got, from the first row to the last; their states.
  arrow::Status MakeRoom();
  void Use(int64_t first_row, const data::Slots& slots);
  arrow::Status Load(const arrow::RecordBatch& batch);

  // The rows of kernel `index`, as they are now.
  arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> Freeze(std::size_t index);
  arrow::Status Restore(std::size_t index, const arrow::Table& snapshot);
  arrow::Result<std::vector<state::KeyStore::File>> FreezeFiles(const std::string& folder);
  arrow::Status RestoreFiles(std::span<const std::shared_ptr<state::KeyStore>> earlier,
                             const std::function<bool(uint16_t group)>& owned);

  // The rows of kernel `index` in a store with this label.
  static arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> ReadTable(state::KeyStore& store,
                                                                            const StateLabel& label, std::size_t index);

 private:
  class TableReader;
  using Keys = std::vector<std::string_view>;

  // Values as the store has them, one behind the other: of each kernel its state, behind its length where that differs
  // from key to key.
  struct Values {
    std::string bytes = {};
    std::vector<std::size_t> ends = {};

    std::size_t size() const { return ends.size(); }
    std::string_view operator[](std::size_t at) const {
      const std::size_t begin = at == 0 ? 0 : ends[at - 1];
      return std::string_view(bytes).substr(begin, ends[at] - begin);
    }
    void Add(std::string_view value) {
      bytes += value;
      ends.push_back(bytes.size());
    }
    void Clear() { bytes.clear(), ends.clear(); }
  };
  using States = std::vector<std::span<const std::byte>>;  // Of a key, by kernel.

  std::string_view KeyOf(int64_t slot) const {
    const auto begin = key_begins_[static_cast<std::size_t>(slot)],
               end = key_begins_[static_cast<std::size_t>(slot) + 1];
    return std::string_view(key_bytes_).substr(begin, end - begin);
  }
  int64_t slots() const { return static_cast<int64_t>(used_in_.size()); }

  arrow::Status Write(const std::vector<int32_t>& changed);
  arrow::Status Flush();
  arrow::Status Keep(std::span<const int32_t> slots);
  arrow::Status Learn(std::vector<std::string> key_types);
  arrow::Status RestoreRows(std::size_t index, const arrow::Table& rows);
  arrow::Status CopyGroups(state::KeyStore& from, int32_t begin, int32_t end,
                           std::vector<const state::KeyStore*>& found_in);

  // The states in a value; initial ones of one without bytes. Error (kSnapshot): it is not the value of such a chain.
  static arrow::Result<States> Split(const KernelChain::Impl& chain, std::string_view value, const std::string& where);
  // A chain in memory that holds the given states.
  static arrow::Result<KernelChain> ChainOf(const StateLabel& label, const Keys& keys, const Values& values,
                                            const std::string& where);
  static void Append(const KernelChain::Impl& chain, int32_t slot, Values& values);
  arrow::Status SetStates(int32_t slot, std::string_view value);

  KernelChain::Impl& chain_;
  std::shared_ptr<state::KeyStore> store_;
  int64_t cached_keys_;
  data::KeyGroups groups_;
  StateLabel label_;
  std::optional<data::KeyHasher> hasher_;

  // By slot.
  std::vector<int64_t> used_in_;  // The last batch that had the key, from 1.
  std::string key_bytes_;  // As in the store, one behind the other,
  std::vector<std::size_t> key_begins_ = {0};  // beginning here, and the end of the last one.

  int64_t batch_ = 0;
  int64_t written_in_ = 0;  // Slots used later differ from the store.
  std::vector<int64_t> first_rows_;  // In this batch, of the keys that have no state so far.
  std::vector<uint32_t> hashes_;
  Values values_;
};

}  // namespace sabot::operators
