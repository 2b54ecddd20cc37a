#include <arrow/io/file.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <queue>
#include <system_error>
#include <tuple>
#include <utility>

#include "sabot/env/interrupt.h"
#include "sabot/ticks/tick_file.h"
#include "sabot/ticks/tick_runs_internal.h"

namespace sabot::ticks::internal {
namespace {

constexpr int64_t kReadRows = 8'192;    // Of a run, at once.
constexpr int64_t kTakenRows = 65'536;  // Of the merge.

// A file of Arrow IPC, written in pieces that are read at once.
class RunWriter {
 public:
  arrow::Status Write(const arrow::RecordBatch& ticks) {
    for (int64_t begin = 0; begin < ticks.num_rows(); begin += kReadRows) {
      ARROW_RETURN_NOT_OK(writer_->WriteRecordBatch(*ticks.Slice(begin, kReadRows)));
    }
    return arrow::Status::OK();
  }
  arrow::Status Open(const std::string& path) {
    ARROW_ASSIGN_OR_RAISE(file_, arrow::io::FileOutputStream::Open(path));
    return arrow::ipc::MakeStreamWriter(file_, TickSchema(/*with_side=*/true)).Value(&writer_);
  }
  arrow::Status Close() {
    ARROW_RETURN_NOT_OK(writer_->Close());
    return file_->Close();
  }

 private:
  std::shared_ptr<arrow::io::FileOutputStream> file_;
  std::shared_ptr<arrow::ipc::RecordBatchWriter> writer_;
};

}  // namespace

// Where the merge stands in a run.
struct TickRuns::Cursor {
  NextTicks next;
  std::shared_ptr<arrow::RecordBatch> batch;
  TickColumns ticks;
  std::size_t row = 0;

  int64_t timestamp() const { return ticks.timestamps[row]; }
  // False at the end.
  arrow::Result<bool> Fill() {
    ARROW_ASSIGN_OR_RAISE(batch, next());
    row = 0;
    if (batch != nullptr) ticks = TickColumnsOf(*batch);
    return batch != nullptr;
  }
};

arrow::Result<std::unique_ptr<TickRuns>> TickRuns::Make(std::shared_ptr<SortingFolder> within) {
  std::string folder = within->NewPath("");
  std::error_code error;
  if (!std::filesystem::create_directory(folder, error)) {
    return arrow::Status::IOError("'", folder, "' cannot be made: ", error.message(), ".");
  }
  return std::unique_ptr<TickRuns>(new TickRuns(std::move(within), std::move(folder)));
}

TickRuns::~TickRuns() {
  std::error_code error;
  std::filesystem::remove_all(folder_, error);
}

arrow::Status TickRuns::Add(TickBuffer& ticks) {
  ARROW_RETURN_NOT_OK(env::InterruptScope::Check());
  Run run{.path = NewRun()};
  RunWriter writer;
  ARROW_RETURN_NOT_OK(writer.Open(run.path));
  ARROW_RETURN_NOT_OK(writer.Write(*ticks.Take(/*with_side=*/true)));
  ARROW_RETURN_NOT_OK(writer.Close());
  runs_.push_back(std::move(run));
  return arrow::Status::OK();
}

arrow::Status TickRuns::Merge(int at_once, const std::function<arrow::Status(TickBuffer&)>& take) {
  const auto most = static_cast<std::size_t>(at_once);
  while (runs_.size() > most) {
    std::vector<Run> merged;  // Neighbours into one, so that their order stays.
    for (std::size_t begin = 0; begin < runs_.size(); begin += most) {
      const auto group = std::span(runs_).subspan(begin, std::min(most, runs_.size() - begin));
      ARROW_ASSIGN_OR_RAISE(merged.emplace_back(), group.size() > 1 ? MergeIntoOne(group) : group.front());
    }
    runs_ = std::move(merged);
  }
  return MergeAll(runs_, take);
}

arrow::Result<TickRuns::Run> TickRuns::MergeIntoOne(std::span<const Run> runs) {
  Run one{.path = NewRun()};
  RunWriter writer;
  ARROW_RETURN_NOT_OK(writer.Open(one.path));
  ARROW_RETURN_NOT_OK(MergeAll(runs, [&](TickBuffer& ticks) { return writer.Write(*ticks.Take(/*with_side=*/true)); }));
  ARROW_RETURN_NOT_OK(writer.Close());
  std::error_code error;
  for (const Run& run : runs) {
    if (run.path.starts_with(within_->path() + "/")) std::filesystem::remove(run.path, error);
  }
  return one;
}

arrow::Result<TickRuns::NextTicks> TickRuns::Open(const Run& run) {
  if (run.sum != nullptr) {
    ARROW_ASSIGN_OR_RAISE(std::shared_ptr<TickReader> reader, OpenTickFile(run.path, kReadRows));
    return [reader, sum = run.sum]() -> arrow::Result<std::shared_ptr<arrow::RecordBatch>> {
      ARROW_ASSIGN_OR_RAISE(auto batch, reader->Next());
      if (batch != nullptr) sum->Add(TickColumnsOf(*batch));
      return batch;
    };
  }
  ARROW_ASSIGN_OR_RAISE(const auto file, arrow::io::ReadableFile::Open(run.path));
  ARROW_ASSIGN_OR_RAISE(auto reader, arrow::ipc::RecordBatchStreamReader::Open(file));
  return [reader]() { return reader->Next(); };
}

arrow::Status TickRuns::MergeAll(std::span<const Run> runs, const std::function<arrow::Status(TickBuffer&)>& take) {
  std::vector<Cursor> cursors(runs.size());
  using Head = std::pair<int64_t, std::size_t>;  // The time of a run's next row, and the run.
  std::priority_queue<Head, std::vector<Head>, std::greater<>> heads;
  for (std::size_t run = 0; run < runs.size(); ++run) {
    ARROW_ASSIGN_OR_RAISE(cursors[run].next, Open(runs[run]));
    ARROW_ASSIGN_OR_RAISE(const bool has_rows, cursors[run].Fill());
    if (has_rows) heads.emplace(cursors[run].timestamp(), run);
  }
  TickBuffer merged;
  while (!heads.empty()) {
    const std::size_t run = heads.top().second;
    heads.pop();
    Cursor& cursor = cursors[run];
    bool more = true;
    while (more && (heads.empty() || Head(cursor.timestamp(), run) < heads.top())) {
      const TickColumns& ticks = cursor.ticks;
      const std::size_t row = cursor.row;
      merged.Append(Tick{.timestamp = ticks.timestamps[row],
                         .type = ticks.types[row],
                         .price = ticks.prices[row],
                         .volume = ticks.volumes[row],
                         .side = ticks.sides.empty() ? int8_t{0} : ticks.sides[row]});
      if (merged.rows() == kTakenRows) {
        ARROW_RETURN_NOT_OK(env::InterruptScope::Check());
        ARROW_RETURN_NOT_OK(take(merged));
      }
      if (++cursor.row < ticks.timestamps.size()) continue;
      ARROW_ASSIGN_OR_RAISE(more, cursor.Fill());
    }
    if (more) heads.emplace(cursor.timestamp(), run);
  }
  return merged.empty() ? arrow::Status::OK() : take(merged);
}

}  // namespace sabot::ticks::internal
