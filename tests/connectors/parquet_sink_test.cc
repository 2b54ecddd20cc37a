#include "sabot/connectors/parquet_sink.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/memory_pool.h>
#include <arrow/table.h>
#include <arrow/util/key_value_metadata.h>
#include <arrow/util/logging.h>
#include <gtest/gtest.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <filesystem>
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
  auto sink = ParquetSink::Open(folder / "a.parquet", rows->schema(), options).ValueOrDie();
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
  const auto rows = ParquetSink::Open(path, schema, {.row_group_rows = 0}).status();
  EXPECT_EQ(data::KindOf(rows), data::ErrorKind::kOption);
  EXPECT_EQ(rows.message(), "parquet sink '" + path + "': row_group_rows is 0. Use a value from 1 to 1073741824.");
  const auto compression = ParquetSink::Open(path, schema, {.compression = "zip"}).status();
  EXPECT_EQ(data::KindOf(compression), data::ErrorKind::kOption);
  EXPECT_EQ(compression.message(),
            "parquet sink '" + path + "': compression is 'zip'. Use 'zstd', 'snappy', 'lz4' or 'none'.");
  EXPECT_TRUE(folder.empty());
}

TEST(ParquetSink, KeepsTheErrnoOfAFileThatCannotBeMade) {
  const auto status = ParquetSink::Open("/no/such/folder/a.parquet", arrow::schema({})).status();
  EXPECT_TRUE(status.IsIOError());
  EXPECT_EQ(status.message().find("parquet sink '/no/such/folder/a.parquet': "), 0U) << status;
  EXPECT_NE(status.ToString().find("errno 2"), std::string::npos) << status;
}

TEST(ParquetSink, RefusesATypeThatParquetLacks) {
  const TemporaryFolder folder;
  const auto schema = arrow::schema({arrow::field("a", arrow::dense_union({arrow::field("b", arrow::int8())}))});
  EXPECT_EQ(data::KindOf(ParquetSink::Open(folder / "a.parquet", schema).status()), data::ErrorKind::kSchema);
  EXPECT_TRUE(folder.empty());
}

TEST(ParquetSink, RefusesABatchOfOtherColumns) {
  const TemporaryFolder folder;
  const auto sink =
      ParquetSink::Open(folder / "a.parquet", arrow::schema({arrow::field("a", arrow::utf8())})).ValueOrDie();
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
    const auto sink = ParquetSink::Open(folder / "a.parquet", batch->schema()).ValueOrDie();
    EXPECT_EQ(data::KindOf(sink->Write(batch)), data::ErrorKind::kData);
    EXPECT_FALSE(sink->Write(batch).ok());
    EXPECT_FALSE(sink->Close().ok());  // Half a batch is no file.
  }
}

TEST(ParquetSink, RefusesNullsWhereTheSchemaAllowsNone) {
  const TemporaryFolder folder;
  {
    const auto schema = arrow::schema({arrow::field("a", arrow::utf8(), /*nullable=*/false)});
    const auto sink = ParquetSink::Open(folder / "a.parquet", schema).ValueOrDie();
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
  const auto sink = ParquetSink::Open(folder / "a.parquet", batch->schema()).ValueOrDie();
  ASSERT_TRUE(sink->Close().ok());
  EXPECT_TRUE(sink->Write(batch).IsInvalid());
  EXPECT_TRUE(sink->Close().IsInvalid());
}

// --- Edges. ---

TEST(ParquetSink, DestroyedBeforeCloseLeavesNothing) {
  const TemporaryFolder folder;
  {
    const BatchPtr rows = Ticks(1'000);
    const auto sink = ParquetSink::Open(folder / "a.parquet", rows->schema(), {.row_group_rows = 300}).ValueOrDie();
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
  { const auto abandoned = ParquetSink::Open(folder / "a.parquet", batch->schema()).ValueOrDie(); }
  EXPECT_EQ(BytesOf(folder / "a.parquet"), "older");
  const auto sink = ParquetSink::Open(folder / "a.parquet", batch->schema()).ValueOrDie();
  ASSERT_TRUE(sink->Write(batch).ok());
  ASSERT_TRUE(sink->Close().ok());
  EXPECT_EQ(ReadBack(folder / "a.parquet")->num_rows(), 1);
}

TEST(ParquetSink, NoRowsAreAFileWithASchema) {
  const TemporaryFolder folder;
  const BatchPtr none = Ticks(0, false);
  const auto sink = ParquetSink::Open(folder / "a.parquet", none->schema()).ValueOrDie();
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
        ParquetSink::Open(folder / "a.parquet", rows->schema(), {.row_group_rows = 3'000, .compression = compression})
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
  const auto sink = ParquetSink::Open(folder / "a.parquet", rows->schema(), {.row_group_rows = 300}).ValueOrDie();
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

TEST(ParquetSink, HoldsARowGroupAndNoMore) {
  const TemporaryFolder folder;
  const auto reader = GenerateTicks({.rows = 1'000'000, .batch_rows = 7'000}).ValueOrDie();
  const auto sink = ParquetSink::Open(folder / "a.parquet", reader->schema(), {.row_group_rows = 20'000}).ValueOrDie();
  const int64_t before = arrow::default_memory_pool()->bytes_allocated();
  int64_t held_max = 0;
  while (BatchPtr batch = reader->Next().ValueOrDie()) {
    ASSERT_TRUE(sink->Write(batch).ok());
    batch.reset();
    held_max = std::max(held_max, arrow::default_memory_pool()->bytes_allocated() - before);
  }
  ASSERT_TRUE(sink->Close().ok());
  EXPECT_LE(held_max, 2 * 20'000 * 80);  // 80 bytes a row, in buffers that double.
  EXPECT_EQ(ReadBack(folder / "a.parquet")->num_rows(), 1'000'000);
}

}  // namespace
}  // namespace sabot::connectors
