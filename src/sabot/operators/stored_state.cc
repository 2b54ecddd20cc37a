#include <arrow/util/logging.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <numeric>
#include <utility>

#include "sabot/data/bitmap.h"
#include "sabot/data/errors.h"
#include "sabot/operators/stored_state_internal.h"
#include "sabot/state/key_columns.h"

namespace sabot::operators {
namespace {

constexpr std::size_t kEntriesAtOnce = 4096;  // Written together.

// The order of keys by their bytes. Most differ in the first 16, which are compared as two numbers.
template <class KeyOfIndex>
std::vector<int32_t> SortedOrder(std::size_t count, const KeyOfIndex& key_of) {
  struct Head {
    std::array<uint64_t, 2> bytes = {};
    int32_t index = 0;
  };
  std::vector<Head> heads(count);
  for (std::size_t at = 0; at < count; ++at) {
    const std::string_view key = key_of(at);
    std::memcpy(heads[at].bytes.data(), key.data(), std::min(key.size(), sizeof(heads[at].bytes)));
    for (uint64_t& word : heads[at].bytes) word = __builtin_bswap64(word);
    heads[at].index = static_cast<int32_t>(at);
  }
  std::sort(heads.begin(), heads.end(), [&](const Head& left, const Head& right) {
    if (left.bytes[0] != right.bytes[0]) return left.bytes[0] < right.bytes[0];
    if (left.bytes[1] != right.bytes[1]) return left.bytes[1] < right.bytes[1];
    return key_of(static_cast<std::size_t>(left.index)) < key_of(static_cast<std::size_t>(right.index));
  });
  std::vector<int32_t> order(count);
  std::transform(heads.begin(), heads.end(), order.begin(), [](const Head& head) { return head.index; });
  return order;
}

}  // namespace

StateLabel StoredState::LabelOf(const KernelChain::Impl& chain, int32_t key_groups) {
  StateLabel label{.by = chain.by, .key_columns = chain.key_columns(), .key_groups = key_groups};
  for (std::size_t index = 0; index < chain.kernels.size(); ++index) {
    const auto& kernel = *chain.kernels[index];
    label.kernels.push_back(
        {.spec = chain.specs[index], .version = kernel.state_version(), .bytes = kernel.state_bytes()});
  }
  return label;
}

arrow::Status StoredState::Learn(std::vector<std::string> key_types) {
  StateLabel with_types = label_;
  with_types.key_types = std::move(key_types);
  ARROW_RETURN_NOT_OK(with_types.CheckFits(label_, store_->name()));
  if (!label_.key_types.empty()) return arrow::Status::OK();
  label_ = std::move(with_types);
  return label_.Write(*store_);
}

arrow::Status StoredState::Bound() {
  std::vector<std::string> types;
  for (const auto& field : chain_.keys->KeyFields()) types.push_back(field->type()->ToString());
  ARROW_RETURN_NOT_OK(Learn(std::move(types)));
  ARROW_ASSIGN_OR_RAISE(hasher_, data::KeyHasher::Make(*chain_.key_schema(), chain_.key_columns()));
  return arrow::Status::OK();
}

arrow::Result<StoredState::States> StoredState::Split(const KernelChain::Impl& chain, std::string_view value,
                                                      const std::string& where) {
  States states(chain.kernels.size());
  if (value.empty()) return states;
  auto left = std::as_bytes(std::span(value));
  bool fits = true;
  for (std::size_t index = 0; fits && index < states.size(); ++index) {
    const auto& kernel = *chain.kernels[index];
    int64_t bytes = kernel.state_bytes();
    if (bytes == kStateGrows) {
      fits = left.size() >= sizeof(bytes);
      if (!fits) break;
      std::memcpy(&bytes, left.data(), sizeof(bytes));
      left = left.subspan(sizeof(bytes));
    }
    fits = bytes >= 0 && static_cast<int64_t>(left.size()) >= bytes;
    if (!fits) break;
    states[index] = left.first(static_cast<std::size_t>(bytes));
    left = left.subspan(static_cast<std::size_t>(bytes));
    fits = kernel.IsState(states[index]);
  }
  if (fits && left.empty()) return states;
  return data::SnapshotError("state " + Quoted(where) + ": the " + std::to_string(value.size()) +
                             " bytes of a key are not the state of its kernels. The files are damaged; restore an "
                             "earlier checkpoint.");
}

void StoredState::Append(const KernelChain::Impl& chain, int32_t slot, Values& values) {
  const auto append = [&](const void* from, std::size_t bytes) {
    values.bytes.append(static_cast<const char*>(from), bytes);
  };
  for (const auto& kernel : chain.kernels) {
    const auto state = kernel->StateOf(slot);
    const auto bytes = static_cast<int64_t>(state.size());
    if (kernel->state_bytes() == kStateGrows) append(&bytes, sizeof(bytes));
    append(state.data(), state.size());
  }
  values.ends.push_back(values.bytes.size());
}

arrow::Status StoredState::SetStates(int32_t slot, std::string_view value) {
  ARROW_ASSIGN_OR_RAISE(const auto states, Split(chain_, value, store_->name()));
  for (std::size_t index = 0; index < states.size(); ++index) chain_.kernels[index]->SetState(slot, states[index]);
  return arrow::Status::OK();
}

void StoredState::Use(int64_t first_row, const data::Slots& slots) {
  used_in_.resize(static_cast<std::size_t>(chain_.keys->size()));
  const auto stated = static_cast<int64_t>(key_begins_.size()) - 1;
  int64_t next = stated + static_cast<int64_t>(first_rows_.size());  // Slots are given in the order of rows.
  const auto use = [&](std::size_t row) {
    const int32_t slot = slots.slots[row];
    used_in_[static_cast<std::size_t>(slot)] = batch_;
    if (slot == next) {
      first_rows_.push_back(first_row + static_cast<int64_t>(row));
      ++next;
    }
  };
  if (slots.all_have_key) {
    for (std::size_t row = 0; row < slots.slots.size(); ++row) use(row);
    return;
  }
  for (std::size_t word = 0; word < slots.has_key.size(); ++word) {
    for (uint64_t left = slots.has_key[word]; left != 0; left &= left - 1) {
      use(word * 64 + static_cast<std::size_t>(std::countr_zero(left)));
    }
  }
}

arrow::Status StoredState::Load(const arrow::RecordBatch& batch) {
  if (first_rows_.empty()) return arrow::Status::OK();
  ARROW_CHECK(key_begins_.size() - 1 + first_rows_.size() == used_in_.size());
  const std::size_t first_slot = key_begins_.size() - 1;
  hashes_.resize(static_cast<std::size_t>(batch.num_rows()));
  ARROW_RETURN_NOT_OK(hasher_->Hash(batch, hashes_));
  for (const int64_t row : first_rows_) {
    state::AppendGroup(groups_.Of(hashes_[static_cast<std::size_t>(row)]), key_bytes_);
    ARROW_RETURN_NOT_OK(hasher_->AppendBytes(batch, row, key_bytes_));
    key_begins_.push_back(key_bytes_.size());
  }
  const auto order =
      SortedOrder(first_rows_.size(), [&](std::size_t at) { return KeyOf(static_cast<int64_t>(first_slot + at)); });
  Keys keys;
  std::vector<int32_t> slots;
  for (const int32_t at : order) {
    slots.push_back(static_cast<int32_t>(first_slot) + at);
    keys.push_back(KeyOf(slots.back()));
  }
  std::vector<bool> found(keys.size());
  arrow::Status status;
  ARROW_RETURN_NOT_OK(store_->Get(keys, [&](std::size_t index, std::string_view value) {
    if (!status.ok()) return;
    found[index] = true;
    status = SetStates(slots[index], value);
  }));
  ARROW_RETURN_NOT_OK(status);
  for (std::size_t index = 0; index < keys.size(); ++index) {
    if (!found[index]) ARROW_RETURN_NOT_OK(SetStates(slots[index], {}));
  }
  first_rows_.clear();
  return arrow::Status::OK();
}

arrow::Status StoredState::Write(const std::vector<int32_t>& changed) {
  const auto order = SortedOrder(changed.size(), [&](std::size_t at) { return KeyOf(changed[at]); });
  std::vector<int32_t> in_order;
  for (const int32_t at : order) in_order.push_back(changed[static_cast<std::size_t>(at)]);
  const std::span<const int32_t> slots(in_order);
  std::vector<state::KeyStore::Entry> entries;
  for (std::size_t base = 0; base < slots.size(); base += kEntriesAtOnce) {
    const auto some = slots.subspan(base, std::min(kEntriesAtOnce, slots.size() - base));
    values_.Clear();
    for (const int32_t slot : some) Append(chain_, slot, values_);
    entries.clear();
    for (std::size_t at = 0; at < some.size(); ++at) entries.push_back({KeyOf(some[at]), values_[at]});
    ARROW_RETURN_NOT_OK(store_->Write(entries));
  }
  return arrow::Status::OK();
}

arrow::Status StoredState::MakeRoom() {
  ++batch_;
  if (slots() <= cached_keys_) return arrow::Status::OK();
  // The half of the budget that was used last stays.
  const auto kept_count = std::max<int64_t>(cached_keys_ / 2, 1);
  std::vector<int32_t> kept(used_in_.size());
  std::iota(kept.begin(), kept.end(), 0);
  const auto middle = kept.begin() + static_cast<std::ptrdiff_t>(kept_count);
  std::nth_element(kept.begin(), middle, kept.end(), [&](int32_t left, int32_t right) {
    return used_in_[static_cast<std::size_t>(left)] > used_in_[static_cast<std::size_t>(right)];
  });
  std::vector<int32_t> changed;
  for (auto slot = middle; slot != kept.end(); ++slot) {
    if (used_in_[static_cast<std::size_t>(*slot)] > written_in_) changed.push_back(*slot);
  }
  ARROW_RETURN_NOT_OK(Write(changed));
  kept.resize(static_cast<std::size_t>(kept_count));
  std::sort(kept.begin(), kept.end());
  return Keep(kept);
}

// Drops all slots but these, which ascend and become 0, 1, ...
arrow::Status StoredState::Keep(std::span<const int32_t> slots) {
  Keys keys;
  for (const int32_t slot : slots) keys.push_back(KeyOf(slot));
  if (chain_.input != nullptr) {
    ARROW_ASSIGN_OR_RAISE(auto fresh, data::KeyIndex::Make(*chain_.key_schema(), chain_.key_columns()));
    if (!slots.empty()) {
      ARROW_ASSIGN_OR_RAISE(const auto columns, state::KeyColumns(label_.key_fields(), keys));
      std::vector<int32_t> given;
      ARROW_RETURN_NOT_OK(fresh.Insert(columns, given));
      ARROW_CHECK(fresh.size() == static_cast<int64_t>(slots.size()));
    }
    chain_.keys = std::move(fresh);
  }
  for (auto& kernel : chain_.kernels) kernel->KeepStates(slots);
  std::string bytes;
  std::vector<std::size_t> begins{0};
  for (std::size_t at = 0; at < slots.size(); ++at) {
    bytes += keys[at];
    begins.push_back(bytes.size());
    used_in_[at] = used_in_[static_cast<std::size_t>(slots[at])];
  }
  key_bytes_ = std::move(bytes);
  key_begins_ = std::move(begins);
  used_in_.resize(slots.size());
  return arrow::Status::OK();
}

arrow::Status StoredState::Flush() {
  std::vector<int32_t> changed;
  for (int64_t slot = 0; slot < slots(); ++slot) {
    if (used_in_[static_cast<std::size_t>(slot)] > written_in_) changed.push_back(static_cast<int32_t>(slot));
  }
  ARROW_RETURN_NOT_OK(Write(changed));
  written_in_ = batch_;
  return arrow::Status::OK();
}

}  // namespace sabot::operators
