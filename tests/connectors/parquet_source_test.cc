#include "sabot/connectors/parquet_source.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/memory_pool.h>
#include <arrow/table.h>
#include <arrow/util/io_util.h>
#include <arrow/util/logging.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sabot/connectors/parquet_sink.h"
#include "sabot/connectors/tick_generator.h"
#include "sabot/data/errors.h"
#include "tests/connectors/temporary_folder.h"

namespace sabot::connectors {
namespace {

using BatchPtr = std::shared_ptr<arrow::RecordBatch>;

void WriteTicks(const std::string& path, int64_t rows, int64_t row_group_rows) {
  const auto reader = GenerateTicks({.rows = rows, .symbols = 1'000}).ValueOrDie();
  const auto sink = OpenParquetSink(path, reader->schema(), {.row_group_rows = row_group_rows}).ValueOrDie();
  while (const BatchPtr batch = reader->Next().ValueOrDie()) ARROW_CHECK_OK(sink->Write(batch));
  ARROW_CHECK_OK(sink->Close());
}

void ExpectDataError(const arrow::Status& status, const std::string& path, const std::string& message) {
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kData) << status;
  EXPECT_EQ(status.message(), "parquet source '" + path + "': " + message);
}

// --- Wrong use. ---

TEST(ParquetSource, KeepsTheErrnoOfAMissingFile) {
  const auto status = ReadParquet("/no/such/file.parquet").status();
  EXPECT_TRUE(status.IsIOError());
  EXPECT_EQ(arrow::internal::ErrnoFromStatus(status), ENOENT);
  EXPECT_EQ(status.message().find("parquet source '/no/such/file.parquet': "), 0U) << status;
}

TEST(ParquetSource, RefusesAnEmptyFolderAndAPipe) {
  const TemporaryFolder folder;
  EXPECT_EQ(arrow::internal::ErrnoFromStatus(ReadParquet(folder / "").status()), ENOENT);
  ASSERT_EQ(mkfifo((folder / "pipe.parquet").c_str(), 0600), 0);
  EXPECT_EQ(arrow::internal::ErrnoFromStatus(ReadParquet(folder / "pipe.parquet").status()), ESPIPE);
}

TEST(ParquetSource, NamesColumnsLikeTheMissingOne) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.parquet";
  WriteTicks(path, 10, 10);
  const auto status = ReadParquet(path, {.columns = {"symbol", "prise"}}).status();
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kSchema);
  EXPECT_EQ(status.message(), "parquet source '" + path + "': column 'prise' is missing. Nearest names: 'price'.");
  EXPECT_EQ(data::KindOf(ReadParquet(path, {.batch_rows = 0}).status()), data::ErrorKind::kOption);
}

TEST(ParquetSource, SaysWhatIsWrongWithAFile) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.parquet";
  WriteBytes(path, "");
  ExpectDataError(ReadParquet(path).status(), path, "the file is empty (0 bytes). Fetch or write it again.");
  WriteBytes(path, "symbol,price\n");
  ExpectDataError(
      ReadParquet(path).status(), path,
      "this is no Parquet file: its 13 bytes do not begin with 'PAR1'. Name a file that was written as Parquet.");
  WriteBytes(path, "PA");
  EXPECT_EQ(data::KindOf(ReadParquet(path).status()), data::ErrorKind::kData);
}

TEST(ParquetSource, ATruncatedFileIsNamedAsSuchWhereverItWasCut) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.parquet";
  WriteTicks(path, 1'000, 300);
  const std::string bytes = BytesOf(path);
  for (const std::size_t size : {std::size_t{4}, std::size_t{7}, std::size_t{8}, bytes.size() / 2, bytes.size() - 1}) {
    WriteBytes(path, bytes.substr(0, size));
    ExpectDataError(
        ReadParquet(path).status(), path,
        "the file is truncated: its " + std::to_string(size) +
            " bytes begin as a Parquet file, but the end with its table of contents is missing. Fetch it again, "
            "or write it again and wait until its writer is done.");
  }
}

TEST(ParquetSource, ADamagedTableOfContentsIsADataError) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.parquet";
  WriteTicks(path, 1'000, 300);
  std::string bytes = BytesOf(path);
  for (std::size_t at = bytes.size() - 60; at < bytes.size() - 4; ++at) bytes[at] = '\xFF';
  WriteBytes(path, bytes);
  const auto status = ReadParquet(path).status();
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kData) << status;
  EXPECT_EQ(status.message().find("parquet source '" + path + "': the file is damaged: "), 0U) << status;
}

TEST(ParquetSource, ADamagedPageIsADataErrorOfNext) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.parquet";
  WriteTicks(path, 100'000, 100'000);
  const std::string bytes = BytesOf(path);
  for (const std::size_t eighth : {1, 3, 5, 7}) {
    std::string damaged = bytes;
    damaged[bytes.size() * eighth / 8] ^= 0x10;
    WriteBytes(path, damaged);
    const auto reader = ReadParquet(path).ValueOrDie();
    const auto status = reader->ToTable().status();
    EXPECT_EQ(data::KindOf(status), data::ErrorKind::kData) << status;
    EXPECT_EQ(status.message().find("parquet source '" + path + "': the file is damaged: "), 0U) << status;
  }
}

TEST(ParquetSource, ALaterFileHasTheSameColumns) {
  const TemporaryFolder folder;
  WriteTicks(folder / "a.parquet", 10, 10);
  const auto quotes = GenerateTicks({.rows = 10, .kind = "quotes"}).ValueOrDie();
  const auto sink = OpenParquetSink(folder / "b.parquet", quotes->schema()).ValueOrDie();
  ARROW_CHECK_OK(sink->Write(quotes->Next().ValueOrDie()));
  ARROW_CHECK_OK(sink->Close());
  const auto source = ReadParquet(folder / "*.parquet").ValueOrDie();
  EXPECT_EQ(source->Next().ValueOrDie()->num_rows(), 10);
  const auto status = source->Next().status();
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kSchema);
  EXPECT_EQ(status.message(),
            "parquet source '" + (folder / "b.parquet") + "': column 4 is 'bid: double', but 'price: double' in '" +
                (folder / "a.parquet") +
                "'. Files of one source have the same columns: write it anew, or read it on its own.");
  // Of the columns asked for both have the same.
  const auto same = ReadParquet(folder / "*.parquet", {.columns = {"symbol", "bid"}}).ValueOrDie();
  EXPECT_EQ(same->ToTable().ValueOrDie()->num_rows(), 20);
}

// --- Values. ---

TEST(ParquetSource, FilesContinueEachOtherInTheOrderOfTheirNames) {
  const TemporaryFolder folder;
  const auto reader = GenerateTicks({.rows = 1'000, .batch_rows = 400, .dictionary_symbols = false}).ValueOrDie();
  for (const std::string name : {"a.parquet", "b.parquet", "c.parquet"}) {
    const auto sink = OpenParquetSink(folder / name, reader->schema()).ValueOrDie();
    ARROW_CHECK_OK(sink->Write(reader->Next().ValueOrDie()));
    ARROW_CHECK_OK(sink->Close());
  }
  const auto none = OpenParquetSink(folder / "bb.parquet", reader->schema()).ValueOrDie();  // Without rows.
  ARROW_CHECK_OK(none->Close());
  const auto expected = GenerateTicks({.rows = 1'000, .dictionary_symbols = false}).ValueOrDie();
  const BatchPtr rows = expected->ToTable().ValueOrDie()->CombineChunksToBatch().ValueOrDie();
  const auto source = ReadParquet({folder / "c.parquet", folder / ""}).ValueOrDie();
  double done = 0;
  arrow::RecordBatchVector batches;
  while (const BatchPtr batch = source->Next().ValueOrDie()) {
    EXPECT_GT(batch->num_rows(), 0);
    EXPECT_GT(source->done().value(), done);
    done = source->done().value();
    batches.push_back(batch);
  }
  EXPECT_EQ(source->done(), 1.0);
  EXPECT_TRUE(arrow::ConcatenateRecordBatches(batches).ValueOrDie()->Equals(*rows));
}

TEST(ParquetSource, BatchesAreFullAcrossRowGroups) {
  const TemporaryFolder folder;
  WriteTicks(folder / "a.parquet", 1'000, 130);
  const auto reader = ReadParquet(folder / "a.parquet", {.batch_rows = 300}).ValueOrDie();
  for (const int64_t rows : {300, 300, 300, 100}) EXPECT_EQ(reader->Next().ValueOrDie()->num_rows(), rows);
  EXPECT_EQ(reader->Next().ValueOrDie(), nullptr);
}

TEST(ParquetSource, RowsDoNotDependOnTheBatches) {
  const TemporaryFolder folder;
  WriteTicks(folder / "a.parquet", 5'000, 777);
  const auto expected = GenerateTicks({.rows = 5'000, .symbols = 1'000, .dictionary_symbols = false}).ValueOrDie();
  const BatchPtr rows = expected->ToTable().ValueOrDie()->CombineChunksToBatch().ValueOrDie();
  for (const int64_t batch_rows : {1, 64, 1'000, 1'000'000}) {
    const auto reader = ReadParquet(folder / "a.parquet", {.batch_rows = batch_rows}).ValueOrDie();
    EXPECT_TRUE(reader->ToTable().ValueOrDie()->CombineChunksToBatch().ValueOrDie()->Equals(*rows)) << batch_rows;
  }
}

TEST(ParquetSource, ColumnsKeepTheOrderOfTheFile) {
  const TemporaryFolder folder;
  WriteTicks(folder / "a.parquet", 10, 10);
  const auto reader = ReadParquet(folder / "a.parquet", {.columns = {"price", "symbol", "price"}}).ValueOrDie();
  EXPECT_EQ(reader->schema()->field_names(), (std::vector<std::string>{"symbol", "price"}));
  EXPECT_EQ(reader->Next().ValueOrDie()->schema()->field_names(), (std::vector<std::string>{"symbol", "price"}));
}

TEST(ParquetSource, NestedColumnsComeWhole) {
  const TemporaryFolder folder;
  const auto numbers = std::make_shared<arrow::Int64Builder>();
  arrow::ListBuilder lists(arrow::default_memory_pool(), numbers);
  for (const int64_t number : {1, 2}) {
    ARROW_CHECK_OK(lists.Append());
    ARROW_CHECK_OK(numbers->Append(number));
  }
  const std::shared_ptr<arrow::Array> column = lists.Finish().ValueOrDie();
  const auto schema = arrow::schema({arrow::field("a", column->type()), arrow::field("b", column->type())});
  const auto sink = OpenParquetSink(folder / "a.parquet", schema).ValueOrDie();
  ASSERT_TRUE(sink->Write(arrow::RecordBatch::Make(schema, 2, {column, column})).ok());
  ASSERT_TRUE(sink->Close().ok());
  const auto reader = ReadParquet(folder / "a.parquet", {.columns = {"b"}}).ValueOrDie();
  const BatchPtr batch = reader->Next().ValueOrDie();
  ASSERT_EQ(batch->num_columns(), 1);
  EXPECT_TRUE(batch->column(0)->Equals(column));
}

// One row group that is 120 MB when decoded: it comes in pages.
TEST(ParquetSource, HoldsPagesNotRowGroups) {
  const TemporaryFolder folder;
  WriteTicks(folder / "a.parquet", 1'500'000, 1'500'000);
  const int64_t before = arrow::default_memory_pool()->bytes_allocated();
  const auto reader = ReadParquet(folder / "a.parquet").ValueOrDie();
  int64_t held_max = 0;
  int64_t rows = 0;
  while (const BatchPtr batch = reader->Next().ValueOrDie()) {
    rows += batch->num_rows();
    held_max = std::max(held_max, arrow::default_memory_pool()->bytes_allocated() - before);
  }
  EXPECT_EQ(rows, 1'500'000);
  EXPECT_LE(held_max, 50'000'000);
}

}  // namespace
}  // namespace sabot::connectors
