// A kernel with one state a slot, run over columns: what the registry's types look like once their type is forgotten.
// Virtual calls happen once a morsel, never a row. One thread at a time, except Run of a stateless kernel and of parts.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/type.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sabot/kernels/registry.h"
#include "sabot/operators/frozen_kernel.h"

namespace sabot::operators {

// The rows of one morsel in an input column: float64, or int64 for times. Null values hold anything.
struct InputColumn {
  const void* values = nullptr;  // Of the morsel's first row.
  const uint8_t* validity = nullptr;  // nullptr: no nulls. Bit `bit_offset` is the morsel's first row.
  int64_t bit_offset = 0;
};

// Where a morsel's rows of an output column go. Null values are written as 0.
struct OutputColumn {
  void* values = nullptr;  // float64, int64, int8 label indices, or bool, a byte a row.
  uint64_t* validity = nullptr;  // Whole words: morsels begin at multiples of 64 rows.
  int64_t nulls = 0;  // out
};

struct Morsel {
  int64_t rows = 0;
  std::span<const InputColumn> inputs = {};  // As KeyedKernel::inputs().
  std::span<const int32_t> slots = {};  // Of each row; empty for a stateless kernel.
  const uint64_t* has_key = nullptr;  // Rows that have a key; nullptr: all.
  int64_t slots_in_use = 0;  // All slots are below.
  // Of a kernel that splits: only the rows of slots that are `part` modulo `parts`, a power of two. The others stay as
  // they are; nulls are counted by the last part.
  int part = 0;
  int parts = 1;
  const int8_t* legs = nullptr;  // Of a kernel of a pair: 0 or 1 on rows that have a key.
  std::span<OutputColumn> outputs = {};
  const std::function<std::string(int64_t row)>* key_text = nullptr;  // Of a row's key, for messages; nullptr: none.
};

struct KernelInput {
  std::string_view role;
  std::string_view default_column;
  bool is_time = false;  // int64 nanoseconds, else float64.
};

struct KernelOutput {
  std::string_view name;
  std::shared_ptr<arrow::DataType> type;  // float64, int64, bool or utf8.
  std::span<const std::string_view> labels = {};  // What the indices of a utf8 output stand for.
};

inline constexpr int64_t kStateGrows = -1;  // Bytes of a state that differ from slot to slot.

// The two symbols of a kernel that reads two, as text.
struct SymbolPair {
  std::string a;
  std::string b;
  friend bool operator==(const SymbolPair&, const SymbolPair&) = default;
};

class KeyedKernel {
 public:
  virtual ~KeyedKernel() = default;

  virtual const kernels::KernelDoc& doc() const = 0;
  virtual std::span<const KernelInput> inputs() const = 0;  // Those needed under the options, in the kernel's order.
  virtual std::span<const KernelOutput> outputs() const = 0;
  virtual bool stateful() const = 0;
  virtual kernels::OptionMap options() const = 0;
  virtual int32_t state_version() const = 0;
  virtual std::optional<SymbolPair> pair() const = 0;

  // Whether threads can share its symbols; chain_run.cc knows of which it pays. Parts of a morsel run in their order;
  // the next part of one morsel and the first of a later one may run at once.
  virtual bool splits() const = 0;

  // Error (kData): a window of time holds more rows than it may.
  virtual arrow::Status Run(const Morsel& morsel) = 0;

  // The state as it is now, to be read later; nullptr for a stateless kernel.
  virtual std::unique_ptr<FrozenKernel> Freeze() = 0;
  // Gives `slots[row]` the state in row `row` of such columns. Error (kSnapshot): a column is missing or of another
  // type, or a slot has a state already.
  virtual arrow::Status Restore(const arrow::RecordBatch& columns, std::span<const int32_t> slots) = 0;

  // The state of a slot as it lies in memory: so many bytes, none without state, or kStateGrows.
  virtual int64_t state_bytes() const = 0;
  virtual std::span<const std::byte> StateOf(int32_t slot) const = 0;
  // Gives a slot such a state; the initial one, if that is empty.
  virtual void SetState(int32_t slot, std::span<const std::byte> state) = 0;
  // Whether SetState may be given these bytes.
  virtual bool IsState(std::span<const std::byte> state) const = 0;
  // Moves the states of `slots`, which ascend, to the slots 0, 1, ... All other slots are to be set before use.
  virtual void KeepStates(std::span<const int32_t> slots) = 0;
};

// Makes a kernel of one type, with options checked as below.
using KernelMaker = arrow::Result<std::unique_ptr<KeyedKernel>> (*)(const kernels::OptionMap& options);

// By name or class name, with options checked. Errors (kOption): an unknown kernel or option, a value out of range.
arrow::Result<std::unique_ptr<KeyedKernel>> MakeKeyedKernel(std::string_view name, const kernels::OptionMap& options);

}  // namespace sabot::operators
