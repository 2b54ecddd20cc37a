// What every operator is: batches in, batches out, one thread at a time. It keeps no clock, file or socket, and never
// waits.
//
// Whoever drives it (a task, or a test that has room for one row) promises: Bind once, before anything else; then
// Process and OnTime, and after one of them returned kMore nothing but Resume until that returns kDone. Snapshots are
// taken between such calls. After an error an operator can only be destroyed.
#pragma once

#include <arrow/result.h>
#include <arrow/table.h>
#include <arrow/type.h>

#include <any>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "sabot/data/batch.h"
#include "sabot/data/key_group.h"
#include "sabot/data/place.h"
#include "sabot/data/reject_log.h"
#include "sabot/operators/kernel_chain.h"
#include "sabot/state/key_store.h"

namespace sabot::operators {

enum class Progress {
  kDone,  // Nothing is left to give.
  kMore,  // The output is full, and the operator keeps a cursor: Resume goes on.
};

// Takes what an operator gives, for a numbered port.
class Output {
 public:
  virtual ~Output() = default;
  // Takes the whole batch, whatever its size. kMore: give nothing more in this call; an operator that has more returns
  // kMore itself, one that has not returns kDone.
  virtual arrow::Result<Progress> Emit(data::Batch batch, int port = 0) = 0;
};

using SchemaVector = std::vector<std::shared_ptr<arrow::Schema>>;

// A state as it was at one moment. Each table is read later, once, by any thread, while its operator goes on, and also
// after the operator is gone.
using FrozenState = std::vector<std::shared_ptr<arrow::RecordBatchReader>>;

class Operator {
 public:
  virtual ~Operator() = default;

  virtual std::string_view name() const = 0;  // "filter", as in messages and explain().

  // From one schema an input to one an output port. Every mistake that schemas can reveal is an error of this call.
  virtual arrow::Result<SchemaVector> Bind(const SchemaVector& inputs) = 0;
  // Takes the whole batch.
  virtual arrow::Result<Progress> Process(int input, const data::Batch& batch, Output& output) = 0;
  // All rows with a place up to `frontier` have been processed; kEndPlace: there are no more.
  virtual arrow::Result<Progress> OnTime(const data::Place& /*frontier*/, Output& /*output*/) {
    return Progress::kDone;
  }
  virtual arrow::Result<Progress> Resume(Output& /*output*/) { return Progress::kDone; }

  // Whether it reads the places of rows. Where nobody does, batches come without.
  virtual bool needs_places() const { return false; }
  // Whether its output, or what it logs, depends on more than the batch in hand. Batches of an operator without state
  // may be processed at once by copies of it.
  virtual bool stateful() const { return false; }
  // The state as tables that any Arrow tool opens; Restore takes them into a fresh operator that was bound alike, which
  // then goes on bit for bit. Error (kSnapshot): they are of another operator or version.
  virtual arrow::Result<std::vector<std::shared_ptr<arrow::Table>>> Snapshot() const {
    return std::vector<std::shared_ptr<arrow::Table>>{};
  }
  virtual arrow::Status Restore(const std::vector<std::shared_ptr<arrow::Table>>& /*snapshot*/) {
    return arrow::Status::OK();
  }
  // The same tables, to be read later: what this call itself takes keeps the rows behind it waiting. One frozen state
  // at a time: the readers of the one before have been read, or are gone.
  virtual arrow::Result<FrozenState> Freeze() {
    ARROW_ASSIGN_OR_RAISE(const auto tables, Snapshot());
    FrozenState frozen;
    for (const auto& table : tables) frozen.push_back(std::make_shared<arrow::TableBatchReader>(table));
    return frozen;
  }

  // Whether the state lies in a store of the context. A barrier may then leave its files in a new folder, of which
  // most are those of the barrier before (see state::KeyStore::Freeze), instead of tables; and a fresh operator that
  // was bound takes from such stores, one of each earlier copy, the keys of the groups that are `owned`.
  virtual bool state_in_files() const { return false; }
  virtual arrow::Result<std::vector<state::KeyStore::File>> FreezeFiles(const std::string& /*folder*/) {
    return arrow::Status::NotImplemented(name(), ": its state is in memory, so it has no files");
  }
  virtual arrow::Status RestoreFiles(std::span<const std::shared_ptr<state::KeyStore>> /*earlier*/,
                                     const std::function<bool(uint16_t group)>& /*owned*/) {
    return arrow::Status::NotImplemented(name(), ": its state is in memory, so it takes no files");
  }
};

// State larger than memory: what an operator with state by key is lent for it, one for each copy.
struct StateStore {
  std::shared_ptr<state::KeyStore> store;
  int64_t cached_bytes = int64_t{64} << 20;  // Of keys and states in memory, besides what the store itself keeps there.
  int32_t key_groups = data::kKeyGroups;  // Of the job.
};

// What a run lends its operators. All of it outlives them.
struct OperatorContext {
  bool places = true;  // Whether somebody downstream reads the places of rows: else they need not be kept.
  std::shared_ptr<data::RejectLog> rejects = std::make_shared<data::CountingRejects>();
  // Runs a kernel chain over a batch: on this thread, or by whoever has more of them, with the same bits.
  std::function<arrow::Result<std::shared_ptr<arrow::RecordBatch>>(KernelChain&,
                                                                   const std::shared_ptr<arrow::RecordBatch>&)>
      run_chain =
          [](KernelChain& chain, const std::shared_ptr<arrow::RecordBatch>& batch) { return chain.Process(batch); };
  // Takes what an operator has to say at the end of a run, beside its rows. None: nobody listens.
  std::function<void(std::string name, std::shared_ptr<arrow::Table>)> report = nullptr;
  // Opens the store of this copy, when it is bound. None: state is in memory.
  std::function<arrow::Result<StateStore>()> open_store = nullptr;
  // Where a step runs as several copies: the number of this one, and what all copies share in a run. It is empty at
  // first; they are made one after another, so the first one may fill it.
  int copy = 0;
  std::shared_ptr<std::any> shared = std::make_shared<std::any>();
};

// Makes a fresh operator for a run.
using OperatorFactory = std::function<arrow::Result<std::unique_ptr<Operator>>(const OperatorContext&)>;

}  // namespace sabot::operators
