// Small batches of all kinds of columns, for the tests of files.
#pragma once

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/record_batch.h>
#include <arrow/table.h>
#include <arrow/util/logging.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sabot/connectors/sink.h"
#include "sabot/connectors/source.h"
#include "sabot/connectors/tick_generator.h"

namespace sabot::connectors {

using BatchPtr = std::shared_ptr<arrow::RecordBatch>;

// Ticks with nulls.
inline BatchPtr SampleTicks(int64_t rows, bool dictionary_symbols = true) {
  const auto reader =
      GenerateTicks({.rows = rows, .nulls = 0.05, .dictionary_symbols = dictionary_symbols}).ValueOrDie();
  return reader->ToTable().ValueOrDie()->CombineChunksToBatch().ValueOrDie();
}

template <class Builder, class Value>
std::shared_ptr<arrow::Array> ArrayOf(const std::vector<Value>& values, Builder builder = Builder()) {
  for (const Value& value : values) ARROW_CHECK_OK(builder.Append(value));
  return builder.Finish().ValueOrDie();
}

inline BatchPtr BatchOf(const std::vector<std::string>& names, const arrow::ArrayVector& columns) {
  arrow::FieldVector fields;
  for (std::size_t at = 0; at < names.size(); ++at) fields.push_back(arrow::field(names[at], columns[at]->type()));
  return arrow::RecordBatch::Make(arrow::schema(fields), columns.front()->length(), columns);
}

// Gives `rows` to the sink in batches of so many.
inline void WriteAll(Sink& sink, const BatchPtr& rows, int64_t batch_rows) {
  for (int64_t row = 0; row < rows->num_rows(); row += batch_rows) {
    ARROW_CHECK_OK(sink.Write(rows->Slice(row, batch_rows)));
  }
  ARROW_CHECK_OK(sink.Close());
}

inline BatchPtr AllRows(Source& source) { return source.ToTable().ValueOrDie()->CombineChunksToBatch().ValueOrDie(); }

}  // namespace sabot::connectors
