#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/util/compression.h>
#include <arrow/util/io_util.h>

#include <cerrno>
#include <utility>

#include "sabot/data/errors.h"
#include "sabot/data/gather.h"
#include "sabot/shuffle/place_columns_internal.h"
#include "sabot/shuffle/spill_file_internal.h"

namespace sabot::shuffle::internal {
namespace {

// The rows, and their places as columns behind them.
arrow::Result<std::shared_ptr<arrow::RecordBatch>> WithPlaces(const data::Frame& frame) {
  auto rows = frame.batch.rows;
  if (frame.selection) {
    ARROW_ASSIGN_OR_RAISE(rows, data::Gather(*rows, frame.selection->rows()));
  }
  if (frame.batch.places.rows() == 0) return rows;
  auto fields = rows->schema()->fields();
  auto columns = rows->columns();
  ARROW_ASSIGN_OR_RAISE(const auto places, PlaceColumns(frame, arrow::default_memory_pool()));
  for (const auto& field : PlaceFields()) fields.push_back(field);
  columns.insert(columns.end(), places.begin(), places.end());
  return arrow::RecordBatch::Make(arrow::schema(std::move(fields)), rows->num_rows(), std::move(columns));
}

arrow::Result<data::Frame> WithoutPlaces(const std::shared_ptr<arrow::RecordBatch>& joined,
                                         const std::shared_ptr<arrow::Schema>& schema, bool has_places) {
  data::Frame frame;
  if (has_places) {
    ARROW_ASSIGN_OR_RAISE(frame.batch.places, PlacesOf(*joined));
  }
  auto columns = joined->columns();
  columns.resize(static_cast<std::size_t>(schema->num_fields()));
  frame.batch.rows = arrow::RecordBatch::Make(schema, joined->num_rows(), std::move(columns));
  return frame;
}

}  // namespace

arrow::Result<data::Frame> JoinFrames(const std::vector<data::Frame>& frames) {
  arrow::RecordBatchVector batches;
  for (const data::Frame& frame : frames) {
    ARROW_ASSIGN_OR_RAISE(auto batch, WithPlaces(frame));
    batches.push_back(std::move(batch));
  }
  ARROW_ASSIGN_OR_RAISE(const auto joined, arrow::ConcatenateRecordBatches(batches));
  const data::Frame& last = frames.back();
  ARROW_ASSIGN_OR_RAISE(auto rows, WithoutPlaces(joined, last.batch.rows->schema(), last.batch.places.rows() > 0));
  rows.frontier = last.frontier;
  return rows;
}

arrow::Status WriteSpillFile(env::Storage& storage, const std::string& path, const data::Frame& rows) {
  ARROW_ASSIGN_OR_RAISE(const auto batch, WithPlaces(rows));
  auto options = arrow::ipc::IpcWriteOptions::Defaults();
  options.use_threads = false;
  ARROW_ASSIGN_OR_RAISE(options.codec, arrow::util::Codec::Create(arrow::Compression::LZ4_FRAME));
  ARROW_ASSIGN_OR_RAISE(const auto file, storage.Create(path));
  ARROW_ASSIGN_OR_RAISE(const auto writer, arrow::ipc::MakeFileWriter(file->stream(), batch->schema(), options));
  ARROW_RETURN_NOT_OK(writer->WriteRecordBatch(*batch));
  ARROW_RETURN_NOT_OK(writer->Close());
  return file->Commit();
}

arrow::Result<data::Frame> ReadSpillFile(env::Storage& storage, const std::string& path,
                                         const std::shared_ptr<arrow::Schema>& schema, bool has_places) {
  auto options = arrow::ipc::IpcReadOptions::Defaults();
  options.use_threads = false;
  ARROW_ASSIGN_OR_RAISE(const auto file, storage.OpenInput(path));
  ARROW_ASSIGN_OR_RAISE(const auto reader, arrow::ipc::RecordBatchFileReader::Open(file, options));
  const int columns = schema->num_fields() + (has_places ? kPlaceColumns : 0);
  if (reader->num_record_batches() != 1 || reader->schema()->num_fields() != columns) {
    return data::DataError("shuffle: '" + path +
                           "' does not hold what was spilled there. Give every job a spill "
                           "folder of its own.");
  }
  ARROW_ASSIGN_OR_RAISE(const auto batch, reader->ReadRecordBatch(0));
  return WithoutPlaces(batch, schema, has_places);
}

bool IsFull(const arrow::Status& status) {
  const int error = arrow::internal::ErrnoFromStatus(status);
  return error == ENOSPC || error == EDQUOT;
}

}  // namespace sabot::shuffle::internal
