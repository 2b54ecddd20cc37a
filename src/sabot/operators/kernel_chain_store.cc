// What a kernel chain whose state lies in a store does with it.
#include <utility>

#include "sabot/data/errors.h"
#include "sabot/operators/kernel_chain_internal.h"
#include "sabot/operators/stored_state_internal.h"

namespace sabot::operators {

arrow::Status KernelChain::UseStore(std::shared_ptr<state::KeyStore> store, int64_t cached_keys, int32_t key_groups) {
  if (cached_keys < 1) {
    return data::OptionError("cached_keys must be at least 1, found " + std::to_string(cached_keys) + ".");
  }
  if (key_groups < 1 || key_groups > data::kKeyGroupsMax) {
    return data::OptionError("key groups must be in [1, " + std::to_string(data::kKeyGroupsMax) + "], found " +
                             std::to_string(key_groups) + ".");
  }
  if (impl_->stored != nullptr || (impl_->keys && impl_->keys->size() > 0)) {
    return data::OptionError("a store can be given to a chain once, before its first row and before a restore.");
  }
  if (!impl_->stateful) return arrow::Status::OK();
  auto label = StoredState::LabelOf(*impl_, key_groups);
  ARROW_ASSIGN_OR_RAISE(auto found, StateLabel::Read(*store));
  if (!found.kernels.empty()) {
    ARROW_RETURN_NOT_OK(label.CheckFits(found, store->name()));
    label.key_types = std::move(found.key_types);
  }
  impl_->stored = std::make_unique<StoredState>(*impl_, std::move(store), cached_keys, std::move(label));
  if (impl_->input != nullptr) return impl_->stored->Bound();
  return arrow::Status::OK();
}

bool KernelChain::stored() const { return impl_->stored != nullptr; }

int64_t KernelChain::state_bytes() const {
  int64_t bytes = 0;
  constexpr int64_t kGuess = 1024;  // Of a state that grows.
  for (const auto& kernel : impl_->kernels) {
    bytes += kernel->state_bytes() == kStateGrows ? kGuess : kernel->state_bytes();
  }
  return bytes;
}

namespace {

arrow::Status NoStore() {
  return data::OptionError("the state of this chain is in memory. Give it a store first, or take a snapshot.");
}

}  // namespace

arrow::Result<std::vector<state::KeyStore::File>> KernelChain::FreezeFiles(const std::string& folder) {
  if (!stored()) return NoStore();
  return impl_->stored->FreezeFiles(folder);
}

arrow::Status KernelChain::RestoreFiles(std::span<const std::shared_ptr<state::KeyStore>> earlier,
                                        const std::function<bool(uint16_t group)>& owned) {
  if (!stored()) return NoStore();
  return impl_->stored->RestoreFiles(earlier, owned);
}

}  // namespace sabot::operators
