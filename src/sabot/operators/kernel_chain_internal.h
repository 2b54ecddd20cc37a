// What a chain knows of its kernels and, once bound, of where their inputs come from.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sabot/data/key_index.h"
#include "sabot/operators/kernel_chain.h"
#include "sabot/operators/keyed_kernel.h"
#include "sabot/operators/pair_keys_internal.h"

namespace sabot::operators {

// Where a kernel's input comes from: a column of the batch, or an output of an earlier kernel of the chain.
struct Binding {
  int column = -1;   // Of the batch.
  int kernel = -1;   // Else this kernel...
  int output = -1;   // ...and this of its outputs.
  bool widen = false;  // Of the batch, but not yet float64 (int64 ns for a time).
};

inline std::string Quoted(std::string_view text) { return "'" + std::string(text) + "'"; }

class StoredState;

struct KernelChain::Impl {
  Impl();
  ~Impl();
  std::vector<KernelSpec> specs;
  std::vector<std::string> by;
  std::vector<std::unique_ptr<KeyedKernel>> kernels;
  std::vector<std::vector<std::string>> output_names;  // A kernel's, as renamed.
  bool stateful = false;
  std::optional<SymbolPair> pair;

  // Once bound.
  std::shared_ptr<arrow::Schema> input;
  std::shared_ptr<arrow::Schema> output;
  std::optional<PairKeys> pair_keys;  // Of a pair.
  std::optional<data::KeyIndex> keys;
  std::vector<std::vector<Binding>> bindings;  // [kernel][input]
  std::vector<std::vector<int>> stage_inputs;  // [stage]

  // The keys by slot, kFrozenSlots an entry, as far as something frozen needed them: encoded once, shared by all of it.
  std::vector<std::shared_ptr<const arrow::ArrayVector>> key_chunks;
  int64_t keys_encoded = 0;

  std::unique_ptr<StoredState> stored;  // Where the slots are not the whole state.

  int first_kernel_stage() const { return stateful ? 1 : 0; }
  // The columns by which state is kept, and the schema of what has them: of the input, or made of a pair.
  const std::vector<std::string>& key_columns() const { return pair ? PairKeys::Columns() : by; }
  const std::shared_ptr<arrow::Schema>& key_schema() const { return pair ? PairKeys::KeySchema() : input; }

  Binding FindOutput(const std::string& name, std::size_t before) const;
  std::vector<std::string> NamesBefore(std::size_t kernel) const;
  arrow::Result<Binding> BindInput(std::size_t index, const KernelInput& wanted) const;
  arrow::Status CheckOutputNames(std::size_t index) const;
  arrow::Status EncodeKeys();  // Those that are new.
};

}  // namespace sabot::operators
