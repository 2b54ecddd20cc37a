// Small checkpoints for tests.
#pragma once

#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/table.h>
#include <arrow/util/key_value_metadata.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sabot/checkpoint/store.h"

namespace sabot::checkpoint {

// Rows (symbol "S<begin>", value begin), ..., with metadata.
inline std::shared_ptr<arrow::Table> StateTable(int64_t begin, int64_t rows) {
  arrow::StringBuilder symbols;
  arrow::Int64Builder values;
  for (int64_t row = begin; row < begin + rows; ++row) {
    EXPECT_TRUE(symbols.Append("S" + std::to_string(row)).ok());
    EXPECT_TRUE(values.Append(row).ok());
  }
  const auto schema =
      arrow::schema({arrow::field("symbol", arrow::utf8(), false), arrow::field("value", arrow::int64())},
                    arrow::key_value_metadata({"sabot.kernel"}, {"ewma"}));
  return arrow::Table::Make(schema, {symbols.Finish().ValueOrDie(), values.Finish().ValueOrDie()});
}

// A checkpoint whose files are not written yet.
inline Manifest EmptyCheckpoint(int64_t attempt, int64_t number) {
  Manifest manifest;
  manifest.job_id = "prices";
  manifest.id = {.attempt = attempt, .number = number};
  manifest.plan_digest = std::string(64, 'a');
  manifest.cut = {.time = number, .source = 0, .offset = 10 * number, .path = 0};
  manifest.sources = {{.uid = "ticks", .partition = 0, .offset = 10 * number, .time = number, .ended = false}};
  return manifest;
}

// One operator of two copies, each with one file.
inline arrow::Result<Manifest> WriteCheckpoint(Store& store, int64_t attempt, int64_t number) {
  Manifest manifest = EmptyCheckpoint(attempt, number);
  for (int copy = 0; copy < 2; ++copy) {
    OperatorState state = {.uid = "fast", .copy = copy, .type = "kernel", .key_by = {"symbol"}, .files = {}};
    ARROW_RETURN_NOT_OK(store.Write(manifest.id, state, {StateTable(100 * attempt + 10 * number + copy, 3)}));
    manifest.operators.push_back(std::move(state));
  }
  return manifest;
}

inline arrow::Result<Manifest> CommitCheckpoint(Store& store, int64_t attempt, int64_t number) {
  ARROW_ASSIGN_OR_RAISE(auto manifest, WriteCheckpoint(store, attempt, number));
  ARROW_RETURN_NOT_OK(store.Commit(manifest));
  return manifest;
}

}  // namespace sabot::checkpoint
