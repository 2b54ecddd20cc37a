// Places as columns behind a batch's own, where rows leave the memory of a process.
#pragma once

#include <arrow/array.h>
#include <arrow/memory_pool.h>
#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/type.h>

#include "sabot/data/frame.h"

namespace sabot::shuffle::internal {

inline constexpr int kPlaceColumns = 4;

arrow::FieldVector PlaceFields();
// Of a frame's rows, which have places.
arrow::Result<arrow::ArrayVector> PlaceColumns(const data::Frame& frame, arrow::MemoryPool* pool);
// From the last columns of a batch. Error (kData): one is missing for a row.
arrow::Result<data::Places> PlacesOf(const arrow::RecordBatch& batch);

}  // namespace sabot::shuffle::internal
