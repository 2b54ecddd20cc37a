// The state of an operator's copy in a checkpoint, whichever form it has there.
#pragma once

#include <arrow/result.h>
#include <arrow/table.h>

#include <memory>
#include <string>
#include <vector>

#include "sabot/checkpoint/manifest.h"
#include "sabot/checkpoint/store.h"
#include "sabot/state/key_store.h"

namespace sabot::engine {

// Of form "files": copied into a folder of their own below `parent`, on a local disk, and opened for reading; they go
// with what is returned. Errors (kData): one is missing, torn or foreign, or together they are no state; (kOption):
// this build has no RocksDB.
arrow::Result<std::shared_ptr<state::KeyStore>> FetchFiles(checkpoint::Store& store,
                                                           const checkpoint::OperatorState& op,
                                                           const std::string& parent);

// What files of state hold, as the tables that the operator gives which has its state in memory.
arrow::Result<std::vector<std::shared_ptr<arrow::Table>>> ReadTables(state::KeyStore& files);

// Of any form.
arrow::Result<std::vector<std::shared_ptr<arrow::Table>>> ReadOperator(checkpoint::Store& store,
                                                                       const checkpoint::OperatorState& op);

// Where files go that nobody named a folder for.
std::string TemporaryParent();

}  // namespace sabot::engine
