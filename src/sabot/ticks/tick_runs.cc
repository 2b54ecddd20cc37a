#include <arrow/io/file.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <filesystem>
#include <queue>
#include <system_error>
#include <tuple>
#include <utility>

#include "sabot/env/interrupt.h"
#include "sabot/env/storage.h"
#include "sabot/ticks/tick_runs_internal.h"

namespace sabot::ticks::internal {
namespace {

constexpr int64_t kReadRows = 8'192;    // Of a run, at once.
constexpr int64_t kTakenRows = 65'536;  // Of the merge.

// Where the merge stands in a run.
struct Cursor {
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

}  // namespace

arrow::Result<std::unique_ptr<TickRuns>> TickRuns::Make(const std::string& path) {
  static std::atomic<int64_t> made = 0;
  const std::filesystem::path file(path);
  const auto folder = file.parent_path() / ("." + file.filename().string() + "." + std::to_string(getpid()) + "-" +
                                            std::to_string(++made) + ".sorting");
  ARROW_ASSIGN_OR_RAISE(const auto place, env::StorageOf(folder.string()));
  ARROW_RETURN_NOT_OK(place.storage->CreateFolder(place.path));
  return std::unique_ptr<TickRuns>(new TickRuns(folder.string()));
}

TickRuns::~TickRuns() {
  std::error_code error;
  std::filesystem::remove_all(folder_, error);
}

arrow::Status TickRuns::Add(TickBuffer& ticks) {
  ARROW_RETURN_NOT_OK(env::InterruptScope::Check());
  const auto batch = ticks.Take(/*with_side=*/true);
  ARROW_ASSIGN_OR_RAISE(const auto file, arrow::io::FileOutputStream::Open(FileOf(count_)));
  ARROW_ASSIGN_OR_RAISE(const auto writer, arrow::ipc::MakeStreamWriter(file, batch->schema()));
  for (int64_t begin = 0; begin < batch->num_rows(); begin += kReadRows) {
    ARROW_RETURN_NOT_OK(writer->WriteRecordBatch(*batch->Slice(begin, kReadRows)));
  }
  ARROW_RETURN_NOT_OK(writer->Close());
  ++count_;
  return file->Close();
}

arrow::Result<std::vector<NextTicks>> TickRuns::Open() const {
  std::vector<NextTicks> runs;
  for (int64_t run = 0; run < count_; ++run) {
    ARROW_ASSIGN_OR_RAISE(const auto file, arrow::io::ReadableFile::Open(FileOf(run)));
    ARROW_ASSIGN_OR_RAISE(auto reader, arrow::ipc::RecordBatchStreamReader::Open(file));
    runs.emplace_back([reader]() { return reader->Next(); });
  }
  return runs;
}

arrow::Status MergeTicks(std::vector<NextTicks> runs, const std::function<arrow::Status(TickBuffer&)>& take) {
  std::vector<Cursor> cursors(runs.size());
  using Head = std::pair<int64_t, std::size_t>;  // The time of a run's next row, and the run.
  std::priority_queue<Head, std::vector<Head>, std::greater<>> heads;
  for (std::size_t run = 0; run < runs.size(); ++run) {
    cursors[run].next = std::move(runs[run]);
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
