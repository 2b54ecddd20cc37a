#include "sabot/connectors/parquet_sink.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/memory_pool.h>
#include <arrow/table.h>
#include <arrow/util/io_util.h>
#include <arrow/util/key_value_metadata.h>
#include <arrow/util/logging.h>
#include <gtest/gtest.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sabot/connectors/parquet_source.h"
#include "sabot/connectors/tick_generator.h"
#include "sabot/data/errors.h"
#include "tests/connectors/temporary_folder.h"

namespace sabot::connectors {
namespace {

using BatchPtr = std::shared_ptr<arrow::RecordBatch>;

BatchPtr Ticks(int64_t rows, bool dictionary_symbols = true) {
  const auto reader =
      GenerateTicks({.rows = rows, .nulls = 0.05, .dictionary_symbols = dictionary_symbols}).ValueOrDie();
  return reader->ToTable().ValueOrDie()->CombineChunksToBatch().ValueOrDie();
}

// The bytes of a file of `rows`, written in batches of so many rows.
std::string Written(const BatchPtr& rows, int64_t batch_rows, const ParquetSinkOptions& options) {
  const TemporaryFolder folder;
  auto sink = OpenParquetSink(folder / "a.parquet", rows->schema(), options).ValueOrDie();
  for (int64_t row = 0; row < rows->num_rows(); row += batch_rows)
    ARROW_CHECK_OK(sink->Write(rows->Slice(row, batch_rows)));
  ARROW_CHECK_OK(sink->Close());
  return BytesOf(folder / "a.parquet");
}

std::shared_ptr<arrow::Table> ReadBack(const std::string& path) {
  const auto reader = ReadParquet(path);
  ARROW_CHECK_OK(reader.status());
  return (*reader)->ToTable().ValueOrDie();
}

template <class Builder = arrow::StringBuilder>
std::shared_ptr<arrow::Array> Strings(const std::vector<std::string>& values) {
  Builder builder;
  for (const std::string& value : values) {
    ARROW_CHECK_OK(value.empty() ? builder.AppendNull() : builder.Append(value));  // Here an empty one is null.
  }
  return builder.Finish().ValueOrDie();
}

std::shared_ptr<arrow::Array> Ints(const std::vector<int32_t>& values) {
  arrow::Int32Builder builder;
  ARROW_CHECK_OK(builder.AppendValues(values));
  return builder.Finish().ValueOrDie();
}

std::shared_ptr<arrow::Array> Dictionary(const std::vector<int32_t>& indices,
                                         const std::shared_ptr<arrow::Array>& entries) {
  return std::make_shared<arrow::DictionaryArray>(arrow::dictionary(arrow::int32(), entries->type()), Ints(indices),
                                                  entries);
}

BatchPtr OneColumn(const std::shared_ptr<arrow::Array>& column) {
  return arrow::RecordBatch::Make(arrow::schema({arrow::field("a", column->type())}), column->length(), {column});
}

// --- Wrong use. ---

TEST(ParquetSink, RefusesOptionsOutOfRange) {
  const TemporaryFolder folder;
  const auto schema = arrow::schema({arrow::field("a", arrow::int64())});
  const std::string path = folder / "a.parquet";
  const auto rows = OpenParquetSink(path, schema, {.row_group_rows = 0}).status();
  EXPECT_EQ(data::KindOf(rows), data::ErrorKind::kOption);
  EXPECT_EQ(rows.message(), "parquet sink '" + path + "': row_group_rows is 0. Use a value from 1 to 1073741824.");
  const auto compression = OpenParquetSink(path, schema, {.compression = "zip"}).status();
  EXPECT_EQ(data::KindOf(compression), data::ErrorKind::kOption);
  EXPECT_EQ(compression.message(),
            "parquet sink '" + path + "': compression is 'zip'. Use 'zstd', 'snappy', 'lz4' or 'none'.");
  EXPECT_TRUE(folder.empty());
}

TEST(ParquetSink, KeepsTheErrnoOfAFileThatCannotBeMade) {
  const auto status = OpenParquetSink("/no/such/folder/a.parquet", arrow::schema({})).status();
  EXPECT_TRUE(status.IsIOError());
  EXPECT_EQ(status.message().find("parquet sink '/no/such/folder/a.parquet': "), 0U) << status;
  EXPECT_NE(status.ToString().find("errno 2"), std::string::npos) << status;
}

TEST(ParquetSink, RefusesATypeThatParquetLacks) {
  const TemporaryFolder folder;
  const auto schema = arrow::schema({arrow::field("a", arrow::dense_union({arrow::field("b", arrow::int8())}))});
  EXPECT_EQ(data::KindOf(OpenParquetSink(folder / "a.parquet", schema).status()), data::ErrorKind::kSchema);
  EXPECT_TRUE(folder.empty());
}

TEST(ParquetSink, RefusesABatchOfOtherColumns) {
  const TemporaryFolder folder;
  const auto sink =
      OpenParquetSink(folder / "a.parquet", arrow::schema({arrow::field("a", arrow::utf8())})).ValueOrDie();
  const auto status = sink->Write(OneColumn(Ints({1})));
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kSchema);
  EXPECT_EQ(status.message(),
            "parquet sink '" + (folder / "a.parquet") +
                "': a batch has columns (a: int32), the file was opened for (a: string). Write batches of "
                "one schema.");
  EXPECT_TRUE(sink->Write(OneColumn(Strings({"x"}))).ok());  // Nothing is lost.
  EXPECT_TRUE(sink->Close().ok());
}

TEST(ParquetSink, RefusesAnIndexOutsideItsDictionary) {
  for (const auto& entries : {Strings({"x"}), Ints({5})}) {
    const TemporaryFolder folder;
    const BatchPtr batch = OneColumn(Dictionary({0, 1}, entries));
    const auto sink = OpenParquetSink(folder / "a.parquet", batch->schema()).ValueOrDie();
    EXPECT_EQ(data::KindOf(sink->Write(batch)), data::ErrorKind::kData);
    EXPECT_FALSE(sink->Write(batch).ok());
    EXPECT_FALSE(sink->Close().ok());  // Half a batch is no file.
  }
}

TEST(ParquetSink, RefusesNullsWhereTheSchemaAllowsNone) {
  const TemporaryFolder folder;
  {
    const auto schema = arrow::schema({arrow::field("a", arrow::utf8(), /*nullable=*/false)});
    const auto sink = OpenParquetSink(folder / "a.parquet", schema).ValueOrDie();
    const auto status = sink->Write(arrow::RecordBatch::Make(schema, 2, {Strings({"x", ""})}));
    EXPECT_EQ(data::KindOf(status), data::ErrorKind::kData);
    EXPECT_NE(status.message().find("column 'a' is not nullable, but a batch holds 1 nulls"), std::string::npos)
        << status;
  }
  EXPECT_TRUE(folder.empty());
}

TEST(ParquetSink, IsNotUsedAfterClose) {
  const TemporaryFolder folder;
  const BatchPtr batch = OneColumn(Ints({1}));
  const auto sink = OpenParquetSink(folder / "a.parquet", batch->schema()).ValueOrDie();
  ASSERT_TRUE(sink->Close().ok());
  EXPECT_TRUE(sink->Write(batch).IsInvalid());
  EXPECT_TRUE(sink->Close().IsInvalid());
}

TEST(ParquetSink, RefusesAFolderWithFilesOfAnEarlierRun) {
  const TemporaryFolder folder;
  const BatchPtr rows = OneColumn(Ints({1, 2, 3}));
  const auto first = OpenParquetSink(folder / "out", rows->schema(), {.rows_per_file = 2}).ValueOrDie();
  ASSERT_TRUE(first->Write(rows).ok());
  ASSERT_TRUE(first->Close().ok());
  const auto again = OpenParquetSink(folder / "out", rows->schema(), {.rows_per_file = 2}).status();
  EXPECT_TRUE(again.IsIOError()) << again;
  EXPECT_NE(again.message().find("' already. Name an empty folder, or remove what is in this one."), std::string::npos);
  EXPECT_EQ(data::KindOf(OpenParquetSink(folder / "out", rows->schema(), {.rows_per_file = -1}).status()),
            data::ErrorKind::kOption);
  EXPECT_EQ(data::KindOf(OpenParquetSink("gopher://a/b", rows->schema()).status()), data::ErrorKind::kOption);
}

// --- Edges. ---

TEST(ParquetSink, AFullDeviceIsAnError) {
  if (access("/dev/full", W_OK) != 0) GTEST_SKIP() << "/dev/full is missing";
  const BatchPtr rows = Ticks(1'000);
  auto sink = OpenParquetSink("/dev/full", rows->schema());
  arrow::Status status = sink.status();
  if (status.ok()) status = (*sink)->Write(rows);
  if (status.ok()) status = (*sink)->Close();
  EXPECT_EQ(arrow::internal::ErrnoFromStatus(status), ENOSPC) << status;
  EXPECT_EQ(status.message().find("parquet sink '/dev/full': "), 0U) << status;
}

TEST(ParquetSink, FilesAreCutByRows) {
  const BatchPtr rows = Ticks(1'000, false);
  for (const int64_t batch_rows : {1, 300, 1'000}) {
    const TemporaryFolder folder;
    const auto sink =
        OpenParquetSink(folder / "out", rows->schema(), {.row_group_rows = 100, .rows_per_file = 400}).ValueOrDie();
    for (int64_t row = 0; row < 1'000; row += batch_rows) ASSERT_TRUE(sink->Write(rows->Slice(row, batch_rows)).ok());
    ASSERT_TRUE(sink->Close().ok());
    EXPECT_EQ(sink->rows_written(), 1'000);
    int64_t begin = 0;
    int64_t bytes = 0;
    for (const std::string name : {"out/part-00000.parquet", "out/part-00001.parquet", "out/part-00002.parquet"}) {
      const int64_t count = std::min<int64_t>(400, 1'000 - begin);
      EXPECT_EQ(BytesOf(folder / name), Written(rows->Slice(begin, count), count, {.row_group_rows = 100})) << name;
      begin += count;
      bytes += static_cast<int64_t>(std::filesystem::file_size(folder / name));
    }
    EXPECT_EQ(sink->bytes_written(), bytes);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder / "out"), {}), 3);
    EXPECT_TRUE(ReadBack(folder / "out")->CombineChunksToBatch().ValueOrDie()->Equals(*rows));
  }
}

TEST(ParquetSink, FullFilesStayWhereTheLastIsGivenUp) {
  const TemporaryFolder folder;
  const BatchPtr rows = OneColumn(Ints({1, 2, 3}));
  {
    const auto sink = OpenParquetSink(folder / "out", rows->schema(), {.rows_per_file = 2}).ValueOrDie();
    ASSERT_TRUE(sink->Write(rows).ok());
  }
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder / "out"), {}), 1);
  EXPECT_EQ(ReadBack(folder / "out")->num_rows(), 2);
}

TEST(ParquetSink, DestroyedBeforeCloseLeavesNothing) {
  const TemporaryFolder folder;
  {
    const BatchPtr rows = Ticks(1'000);
    const auto sink = OpenParquetSink(folder / "a.parquet", rows->schema(), {.row_group_rows = 300}).ValueOrDie();
    ASSERT_TRUE(sink->Write(rows).ok());
    EXPECT_FALSE(folder.empty());
    EXPECT_FALSE(std::filesystem::exists(folder / "a.parquet"));
  }
  EXPECT_TRUE(folder.empty());
}

TEST(ParquetSink, AnOlderFileStaysUntilClose) {
  const TemporaryFolder folder;
  WriteBytes(folder / "a.parquet", "older");
  const BatchPtr batch = OneColumn(Ints({1}));
  { const auto abandoned = OpenParquetSink(folder / "a.parquet", batch->schema()).ValueOrDie(); }
  EXPECT_EQ(BytesOf(folder / "a.parquet"), "older");
  const auto sink = OpenParquetSink(folder / "a.parquet", batch->schema()).ValueOrDie();
  ASSERT_TRUE(sink->Write(batch).ok());
  ASSERT_TRUE(sink->Close().ok());
  EXPECT_EQ(ReadBack(folder / "a.parquet")->num_rows(), 1);
}

TEST(ParquetSink, NoRowsAreAFileWithASchema) {
  const TemporaryFolder folder;
  const BatchPtr none = Ticks(0, false);
  const auto sink = OpenParquetSink(folder / "a.parquet", none->schema()).ValueOrDie();
  ASSERT_TRUE(sink->Write(none).ok());
  ASSERT_TRUE(sink->Close().ok());
  const auto table = ReadBack(folder / "a.parquet");
  EXPECT_EQ(table->num_rows(), 0);
  EXPECT_TRUE(table->schema()->Equals(*none->schema()));
}

// --- Values. ---

TEST(ParquetSink, RowsComeBack) {
  for (const std::string compression : {"zstd", "snappy", "lz4", "none"}) {
    const TemporaryFolder folder;
    const BatchPtr rows = Ticks(10'000);
    const auto sink =
        OpenParquetSink(folder / "a.parquet", rows->schema(), {.row_group_rows = 3'000, .compression = compression})
            .ValueOrDie();
    ASSERT_TRUE(sink->Write(rows).ok());
    ASSERT_TRUE(sink->Close().ok());
    const auto table = ReadBack(folder / "a.parquet")->CombineChunksToBatch().ValueOrDie();
    EXPECT_TRUE(table->Equals(*Ticks(10'000, false))) << compression;
    EXPECT_FALSE(std::filesystem::is_empty(folder / "a.parquet"));
  }
}

TEST(ParquetSink, RowGroupsAreFullButTheLast) {
  const TemporaryFolder folder;
  const BatchPtr rows = Ticks(1'000);
  const auto sink = OpenParquetSink(folder / "a.parquet", rows->schema(), {.row_group_rows = 300}).ValueOrDie();
  for (int64_t row = 0; row < 1'000; row += 70) ASSERT_TRUE(sink->Write(rows->Slice(row, 70)).ok());
  ASSERT_TRUE(sink->Close().ok());
  const auto metadata = parquet::ParquetFileReader::OpenFile(folder / "a.parquet")->metadata();
  ASSERT_EQ(metadata->num_row_groups(), 4);
  for (int group = 0; group < 4; ++group) EXPECT_EQ(metadata->RowGroup(group)->num_rows(), group < 3 ? 300 : 100);
}

TEST(ParquetSink, BytesDoNotDependOnTheCutOrTheEncoding) {
  const ParquetSinkOptions options = {.row_group_rows = 1'500};
  const BatchPtr rows = Ticks(5'000);
  const std::string expected = Written(rows, 5'000, options);
  EXPECT_GT(expected.size(), 50'000U);
  const BatchPtr plain = Ticks(5'000, false);
  for (const int64_t batch_rows : {1, 7, 64, 1'499, 1'500, 1'501, 5'000}) {
    EXPECT_EQ(Written(rows, batch_rows, options), expected) << batch_rows;
    EXPECT_EQ(Written(plain, batch_rows, options), expected) << batch_rows;
  }
}

TEST(ParquetSink, BytesDoNotDependOnTheDictionary) {
  const std::vector<std::string> values = {"B", "", "A", "B", "a symbol longer than twelve bytes"};
  const std::string expected = Written(OneColumn(Strings(values)), 5, {});
  const auto entries = Strings({"unused", "a symbol longer than twelve bytes", "A", "", "B"});
  EXPECT_EQ(Written(OneColumn(Dictionary({4, 3, 2, 4, 1}, entries)), 2, {}), expected);
  const auto views = Strings<arrow::StringViewBuilder>({"B", "A", "", "a symbol longer than twelve bytes"});
  EXPECT_EQ(Written(OneColumn(Dictionary({0, 2, 1, 0, 3}, views)), 5, {}), expected);
  const auto large = Strings<arrow::LargeStringBuilder>({"B", "A", "", "a symbol longer than twelve bytes"});
  EXPECT_EQ(Written(OneColumn(Dictionary({0, 2, 1, 0, 3}, large)), 5, {}), expected);
  EXPECT_EQ(Written(OneColumn(Strings<arrow::StringViewBuilder>(values)), 3, {}), expected);
  EXPECT_EQ(Written(OneColumn(Dictionary({1, 0, 1}, Ints({7, 8}))), 2, {}), Written(OneColumn(Ints({8, 7, 8})), 3, {}));
}

TEST(ParquetSink, BytesDoNotDependOnMetadata) {
  const BatchPtr rows = Ticks(100);
  const auto metadata = arrow::key_value_metadata({"pandas"}, {"where the rows came from"});
  const BatchPtr with = rows->ReplaceSchemaMetadata(metadata);
  EXPECT_EQ(Written(with, 100, {}), Written(rows, 100, {}));
}

// All rows are 80 MB.
TEST(ParquetSink, HoldsARowGroupAndTheOneBeingEncoded) {
  const TemporaryFolder folder;
  const auto reader = GenerateTicks({.rows = 1'000'000, .batch_rows = 7'000}).ValueOrDie();
  const auto sink = OpenParquetSink(folder / "a.parquet", reader->schema(), {.row_group_rows = 20'000}).ValueOrDie();
  const int64_t before = arrow::default_memory_pool()->bytes_allocated();
  int64_t held_max = 0;
  while (BatchPtr batch = reader->Next().ValueOrDie()) {
    ASSERT_TRUE(sink->Write(batch).ok());
    batch.reset();
    held_max = std::max(held_max, arrow::default_memory_pool()->bytes_allocated() - before);
  }
  ASSERT_TRUE(sink->Close().ok());
  EXPECT_LE(held_max, 12'000'000);
  EXPECT_EQ(ReadBack(folder / "a.parquet")->num_rows(), 1'000'000);
}

}  // namespace
}  // namespace sabot::connectors
