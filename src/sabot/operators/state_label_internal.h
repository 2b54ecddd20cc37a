// What a store says of itself, in an entry of its own: whose state it holds, so that whoever opens the files later
// knows what the bytes are.
#pragma once

#include <arrow/result.h>
#include <arrow/type.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sabot/operators/kernel_chain.h"
#include "sabot/state/key_store.h"

namespace sabot::operators {

struct StateLabel {
  struct Kernel {
    KernelSpec spec;
    int32_t version = 0;
    int64_t bytes = 0;  // Of its state, in a value, where these stand one behind the other; or kStateGrows.
  };
  std::vector<Kernel> kernels = {};
  std::vector<std::string> by = {};
  std::vector<std::string> key_columns = {};  // What keys are made of: `by`, but of a pair its two symbols.
  std::vector<std::string> key_types = {};  // "string", "int64" or "uint64"; none as long as nobody knows.
  int32_t key_groups = 0;

  arrow::FieldVector key_fields() const;

  // Error (kSnapshot): the state of other kernels, versions, options, key columns or groups; key types that differ.
  arrow::Status CheckFits(const StateLabel& found, const std::string& where) const;

  std::string ToJson() const;
  // Errors (kSnapshot): no such text.
  static arrow::Result<StateLabel> FromJson(std::string_view text, const std::string& where);

  arrow::Status Write(state::KeyStore& store) const;
  // Without kernels where the store has none. Error (kSnapshot): it is damaged.
  static arrow::Result<StateLabel> Read(state::KeyStore& store);
};

inline constexpr std::string_view kKeysEnd = "\xFF\xFF";        // Behind the keys of all groups,
inline constexpr std::string_view kLabelKey = "\xFF\xFFlabel";  // where the label is.

}  // namespace sabot::operators
