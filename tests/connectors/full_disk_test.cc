// A disk that is full after any number of bytes: a sink says so, and nothing half-written has its final name.
#include <arrow/util/io_util.h>
#include <gtest/gtest.h>

#include <cerrno>
#include <functional>

#include "sabot/connectors/csv_sink.h"
#include "sabot/connectors/ipc_sink.h"
#include "sabot/connectors/parquet_sink.h"
#include "sabot/env/storage.h"
#include "tests/connectors/sample_rows.h"

namespace sabot::connectors {
namespace {

constexpr int64_t kRows = 1'000;

using OpenOn = std::function<arrow::Result<std::unique_ptr<Sink>>(
    const std::shared_ptr<arrow::Schema>&, std::shared_ptr<env::Storage>, int64_t rows_per_file)>;

struct Format {
  const char* name;
  OpenOn open;
};

const Format kFormats[] = {
    {"parquet",
     [](const auto& schema, auto storage, int64_t rows) {
       return OpenParquetSink("out", schema, {.row_group_rows = 300, .rows_per_file = rows, .storage = storage});
     }},
    {"csv", [](const auto& schema, auto storage,
               int64_t rows) { return OpenCsvSink("out", schema, {.rows_per_file = rows, .storage = storage}); }},
    {"ipc",
     [](const auto& schema, auto storage, int64_t rows) {
       return OpenIpcSink("out", schema, {.batch_rows = 300, .rows_per_file = rows, .storage = storage});
     }},
};

// What a run came to: all of it through the sink, as far as the disk allows.
arrow::Status Write(const Format& format, const std::shared_ptr<env::Storage>& storage, int64_t rows_per_file) {
  const BatchPtr rows = SampleTicks(kRows, /*dictionary_symbols=*/false);
  ARROW_ASSIGN_OR_RAISE(const auto sink, format.open(rows->schema(), storage, rows_per_file));
  for (int64_t row = 0; row < kRows; row += 130) ARROW_RETURN_NOT_OK(sink->Write(rows->Slice(row, 130)));
  return sink->Close();
}

TEST(FullDisk, LeavesWholeFilesOnly) {
  for (const Format& format : kFormats) {
    for (const int64_t rows_per_file : {0, 400}) {
      const auto roomy = env::MakeSimulatedStorage(int64_t{1} << 30);
      ASSERT_TRUE(Write(format, roomy, rows_per_file).ok()) << format.name;
      const auto whole = roomy->files();
      ASSERT_EQ(whole.size(), rows_per_file == 0 ? 1U : 3U) << format.name;
      int64_t needed = 0;
      for (const auto& [name, bytes] : whole) needed += static_cast<int64_t>(bytes.size());

      int64_t full = 0;
      for (int64_t bytes_max = 0; bytes_max < needed; bytes_max += 1 + needed / 40) {
        const auto disk = env::MakeSimulatedStorage(bytes_max);
        const auto status = Write(format, disk, rows_per_file);
        ASSERT_TRUE(status.IsIOError()) << format.name << ", " << bytes_max << " bytes: " << status;
        EXPECT_EQ(arrow::internal::ErrnoFromStatus(status), ENOSPC) << status;
        EXPECT_NE(status.message().find("'out'"), std::string::npos) << status;
        for (const auto& [name, bytes] : disk->files()) {
          EXPECT_EQ(bytes, whole.at(name)) << format.name << ", " << bytes_max << " bytes";
          ++full;
        }
      }
      EXPECT_EQ(full > 0, rows_per_file > 0) << "files before the one that did not fit are kept, and no other";
      const auto exact = env::MakeSimulatedStorage(needed);
      EXPECT_TRUE(Write(format, exact, rows_per_file).ok()) << format.name;
      EXPECT_EQ(exact->files(), whole) << format.name;
    }
  }
}

}  // namespace
}  // namespace sabot::connectors
