// Where rows go at the end: batches in, files out.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/status.h>

#include <cstdint>
#include <functional>
#include <memory>

namespace sabot::connectors {

// One thread at a time. Destroyed before Close it leaves nothing, but for files of `rows_per_file` that were complete.
class Sink {
 public:
  virtual ~Sink() = default;
  // Errors: columns other than those it was opened for (kSchema), values that cannot be written (kData), the disk's
  // (IOError). After the last two kinds the sink can only be destroyed.
  virtual arrow::Status Write(const std::shared_ptr<arrow::RecordBatch>& batch) = 0;
  // As Write, but never waits: false where there is no room for the batch, and then `wake` is called, by any thread,
  // when there is.
  virtual arrow::Result<bool> TryWrite(const std::shared_ptr<arrow::RecordBatch>& batch) {
    ARROW_RETURN_NOT_OK(Write(batch));
    return true;
  }
  // Before the first TryWrite, and again where another takes its place: the one before is not called any more when this
  // returns. It is called with locks of the sink, so it must not call the sink.
  virtual void set_wake(std::function<void()> /*wake*/) {}
  // Writes what is left, so that all that is left to Close is to give the file its name: sinks that shall appear
  // together, or not at all, are finished one by one and then closed. Nothing is written afterwards.
  virtual arrow::Status Finish() { return arrow::Status::OK(); }
  // The files are complete and durable when it returns. Called once, with Finish before it or without; whatever it
  // returns, the sink can only be destroyed afterwards.
  virtual arrow::Status Close() = 0;

  // A checkpoint is taken behind the rows written so far. By the thread that writes.
  virtual void OnBarrier() {}

  // So far. May be called by any thread.
  virtual int64_t rows_written() const = 0;
  virtual int64_t bytes_written() const = 0;
  // Of the rows written, those in files that are complete and durable; the others are lost with the process. May be
  // called by any thread.
  virtual int64_t rows_durable() const { return 0; }
};

// An option of all sinks that write files, `rows_per_file`: 0 for all rows in one file; else the path is a folder, made
// where it is missing, and gets files of so many rows, part-00000.parquet and so on. A folder that holds such files
// already is an error (IOError with EEXIST).
//
// Another, `resume_at`, lets a sink go on behind so many rows that earlier runs left in files which are complete: what
// the last one was opened with and its rows_durable(). It is given the rows behind them, and counts only those. With
// rows_per_file it is a multiple of it (kOption); the files of those rows must be there (kData), later ones are removed
// when the sink is opened, and after Close the folder is as a run leaves it that nobody interrupted. Without, it is 0
// (kOption): all rows are given again, and an older file stays until Close. So it is with Open...Sinks, whose files may
// be there then. What was begun of a file of theirs (.partial) is removed, and what is named otherwise stays.
//
// Open...Sinks opens one sink a partition, each with a file in such a folder: part-00000.parquet holds the rows of
// partition 0. A partition without rows is a file without rows. The options of all are the same; rows_per_file is an
// error (kOption).

}  // namespace sabot::connectors
