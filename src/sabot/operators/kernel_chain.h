// Several kernels on one key as one fused pass: keys are resolved once a batch, later kernels may read the outputs of
// earlier ones, and every output is appended to the batch. Work is cut into (morsel, stage) items; the chain says which
// items wait for which, and whoever drives it (Process here, engine/morsel_runner on many cores) decides when they run.
// Any allowed order gives the same bits.
//
// Kernels of two symbols (docs/decisions/0010-pair-kernels.md) are in a chain of their pair: `by` is the one column
// that has the symbols, and the pair is the key, in snapshots as columns symbol_a and symbol_b.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/table.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "sabot/data/key_group.h"
#include "sabot/kernels/options.h"
#include "sabot/operators/keyed_kernel.h"
#include "sabot/state/key_store.h"

namespace sabot::operators {

// A kernel as a user asks for it.
struct KernelSpec {
  std::string kernel;  // Name or class name.
  kernels::OptionMap options = {};
  std::map<std::string, std::string> columns = {};  // Input role -> column, where it isn't the default.
  std::map<std::string, std::string> outputs = {};  // Output -> its name, where it isn't the default.
};

class ChainRun;

class KernelChain {
 public:
  // Checks names and options. `by` is needed by kernels with state; a chain without any ignores it.
  // Errors (kOption): an unknown kernel, option, role or output; a value out of range; a kernel of a pair beside one
  // that is not of this pair, or with several key columns.
  static arrow::Result<KernelChain> Make(std::vector<KernelSpec> kernels, std::vector<std::string> by = {"symbol"});

  KernelChain(KernelChain&&) noexcept;
  KernelChain& operator=(KernelChain&&) noexcept;
  ~KernelChain();

  const std::vector<KernelSpec>& kernels() const;  // As given, with every option spelled out.
  const std::vector<std::string>& by() const;
  bool stateful() const;
  const std::optional<SymbolPair>& pair() const;  // Of all kernels, or of none.

  // Fixes the input schema and returns the output schema: the input's fields, then each kernel's outputs.
  // Binding again is allowed where the schema is the same. Errors (kSchema): a column is missing, of another type or
  // exists already; the schema is not the one bound before.
  arrow::Result<std::shared_ptr<arrow::Schema>> Bind(const std::shared_ptr<arrow::Schema>& input);

  // Runs a batch morsel by morsel on this thread. Binds first where that has not happened.
  // Errors (kSchema): the batch's schema is not the bound one; (kData): a time that overflows.
  // After an error of a run the chain's state is that of a part of the batch: drop it or restore it.
  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Process(const std::shared_ptr<arrow::RecordBatch>& batch);

  // The same as work items, for so many threads. One run at a time; the chain must outlive it.
  arrow::Result<std::unique_ptr<ChainRun>> Begin(std::shared_ptr<arrow::RecordBatch> batch, int threads = 1);

  // The state of kernel `index` as a table: the key columns, then the kernel's own; its metadata names the kernel, its
  // options, columns and outputs. A kernel without state has no rows. Freeze gives the table as it is now, to be read
  // by another thread while the chain goes on, and also after the chain is gone; any number may be under way.
  arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> Freeze(std::size_t index) const;
  arrow::Result<std::shared_ptr<arrow::Table>> Snapshot(std::size_t index) const;
  // Takes such a table back, into a kernel of the same name, version and options. Tables with different keys may be
  // restored one after the other. Errors (kSnapshot): another kernel, version or options; a key twice; a malformed
  // table. After an error of one of its rows the chain may hold a part of it: drop it.
  arrow::Status Restore(std::size_t index, const arrow::Table& snapshot);

  // From now on `store`, which is empty or has the state of such a chain, holds the state; in memory are the
  // `cached_keys` keys that were used last, and those of the batch in hand. Nothing else changes: not a bit of the
  // output, nor of a snapshot's rows, which are then in the order of the keys' bytes. Before the first row or restore.
  // Errors: (kOption) too late, or a number out of range; (kSnapshot) it is the state of another chain.
  arrow::Status UseStore(std::shared_ptr<state::KeyStore> store, int64_t cached_keys,
                         int32_t key_groups = data::kKeyGroups);
  bool stored() const;
  int64_t state_bytes() const;  // Of a key.
  // Of a chain with a store: leaves it as it is now in a new folder (see state::KeyStore::Freeze).
  arrow::Result<std::vector<state::KeyStore::File>> FreezeFiles(const std::string& folder);
  // Takes from such folders, one of each earlier copy, the keys of the groups that are `owned`. Before the first row.
  // Errors (kSnapshot): the state of another chain; a key group in two folders.
  arrow::Status RestoreFiles(std::span<const std::shared_ptr<state::KeyStore>> earlier,
                             const std::function<bool(uint16_t group)>& owned);

  // The kernel and the key columns that a snapshot was made by.
  static arrow::Result<std::pair<KernelSpec, std::vector<std::string>>> SpecOf(const arrow::Schema& snapshot);

 private:
  friend class ChainRun;
  friend class StoredState;
  struct Impl;
  explicit KernelChain(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace sabot::operators
