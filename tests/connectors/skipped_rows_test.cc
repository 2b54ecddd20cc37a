// Sources that pass over rows: what comes then is what comes behind these rows otherwise.
#include <arrow/io/file.h>
#include <arrow/ipc/writer.h>
#include <gtest/gtest.h>
#include <parquet/file_reader.h>
#include <parquet/metadata.h>

#include <algorithm>
#include <functional>
#include <limits>
#include <random>

#include "sabot/connectors/csv_sink.h"
#include "sabot/connectors/csv_source.h"
#include "sabot/connectors/ipc_sink.h"
#include "sabot/connectors/ipc_source.h"
#include "sabot/connectors/parquet_sink.h"
#include "sabot/connectors/parquet_source.h"
#include "sabot/connectors/prefetch.h"
#include "sabot/data/errors.h"
#include "tests/connectors/sample_rows.h"
#include "tests/connectors/temporary_folder.h"

namespace sabot::connectors {
namespace {

using Open = std::function<std::shared_ptr<Source>(const std::string& path)>;

constexpr int64_t kRows = 1'000;
constexpr int64_t kBlockRows = 90;

std::shared_ptr<Source> OpenParquet(const std::string& path) {
  return ReadParquet(path, {.batch_rows = 37}).ValueOrDie();
}
std::shared_ptr<Source> OpenSomeParquet(const std::string& path) {
  return ReadParquet(path, {.columns = {"bid", "symbol"}, .batch_rows = 1'000}).ValueOrDie();
}
std::shared_ptr<Source> OpenIpc(const std::string& path) { return ReadIpc(path, {.batch_rows = 37}).ValueOrDie(); }
std::shared_ptr<Source> OpenSomeIpc(const std::string& path) {
  return ReadIpc(path, {.columns = {"bid", "symbol"}}).ValueOrDie();
}
std::shared_ptr<Source> OpenPrefetched(const std::string& path) { return Prefetch(OpenParquet(path)).ValueOrDie(); }

// The rows behind those passed over, and how many these were.
struct Tail {
  int64_t skipped;
  BatchPtr rows;
};
Tail TailOf(Source& source, int64_t skip) {
  const int64_t skipped = source.Skip(skip).ValueOrDie();
  EXPECT_TRUE(skipped == 0 || source.done().value() > 0);
  BatchPtr rows = AllRows(source);
  EXPECT_EQ(source.done(), 1.0);
  return {.skipped = skipped, .rows = std::move(rows)};
}

// Rows are passed over but for less than `rest_max` of those that were to be.
void ExpectTails(const std::string& path, const Open& open, int64_t rest_max) {
  const BatchPtr all = AllRows(*open(path));
  ASSERT_EQ(all->num_rows(), kRows);
  std::mt19937_64 random(1);
  std::vector<int64_t> skips = {0, 1, kBlockRows - 1, kBlockRows, kBlockRows + 1, kRows - 1, kRows, kRows + 1};
  for (int draw = 0; draw < 40; ++draw) skips.push_back(static_cast<int64_t>(random() % kRows));
  for (const int64_t skip : skips) {
    const auto source = open(path);
    const Tail tail = TailOf(*source, skip);
    EXPECT_LE(tail.skipped, skip);
    EXPECT_LT(std::min(skip, kRows) - tail.skipped, rest_max) << skip;
    EXPECT_TRUE(tail.rows->Equals(*all->Slice(tail.skipped))) << skip;
  }
}

void WriteStream(const std::string& path, const BatchPtr& rows, bool stream) {
  const auto file = arrow::io::FileOutputStream::Open(path).ValueOrDie();
  const auto writer = stream ? arrow::ipc::MakeStreamWriter(file, rows->schema()).ValueOrDie()
                             : arrow::ipc::MakeFileWriter(file, rows->schema()).ValueOrDie();
  for (int64_t row = 0; row < rows->num_rows(); row += kBlockRows) {
    ARROW_CHECK_OK(writer->WriteRecordBatch(*rows->Slice(row, kBlockRows)));
  }
  ARROW_CHECK_OK(writer->Close());
  ARROW_CHECK_OK(file->Close());
}

// --- Wrong use. ---

TEST(SkippedRows, AreNoneWhereNoneAreMeant) {
  const TemporaryFolder folder;
  WriteAll(*OpenParquetSink(folder / "a.parquet", SampleTicks(0)->schema()).ValueOrDie(), SampleTicks(200), 100);
  WriteAll(*OpenIpcSink(folder / "a.arrow", SampleTicks(0)->schema()).ValueOrDie(), SampleTicks(200), 100);
  for (const int64_t none : {int64_t{0}, int64_t{-1}, std::numeric_limits<int64_t>::min()}) {
    for (const auto& source : {OpenParquet(folder / "a.parquet"), OpenIpc(folder / "a.arrow")}) {
      EXPECT_EQ(source->Skip(none).ValueOrDie(), 0);
      EXPECT_EQ(AllRows(*source)->num_rows(), 200);
    }
  }
}

TEST(SkippedRows, AreNoneBehindTheFirstBatchOfAThread) {
  const TemporaryFolder folder;
  WriteAll(*OpenParquetSink(folder / "a.parquet", SampleTicks(0)->schema()).ValueOrDie(), SampleTicks(200), 100);
  const auto source = OpenPrefetched(folder / "a.parquet");
  EXPECT_EQ(source->Next().ValueOrDie()->num_rows(), 37);
  EXPECT_EQ(source->Skip(200).ValueOrDie(), 0);
  EXPECT_EQ(AllRows(*source)->num_rows(), 163);
  ASSERT_TRUE(source->Close().ok());
  EXPECT_EQ(source->Skip(200).ValueOrDie(), 0);
}

TEST(SkippedRows, OfAFileWithOtherColumnsAreAnError) {
  const TemporaryFolder folder;
  const BatchPtr rows = SampleTicks(100);
  const BatchPtr other = rows->RemoveColumn(3).ValueOrDie();
  WriteAll(*OpenParquetSink(folder / "a.parquet", rows->schema()).ValueOrDie(), rows, 100);
  WriteAll(*OpenParquetSink(folder / "b.parquet", other->schema()).ValueOrDie(), other, 100);
  EXPECT_EQ(OpenParquet(folder / "")->Skip(100).ValueOrDie(), 100);
  EXPECT_EQ(data::KindOf(OpenParquet(folder / "")->Skip(101).status()), data::ErrorKind::kSchema);
}

// Whatever happened to their bytes: an error or rows, and no crash.
TEST(SkippedRows, OfDamagedFilesAreErrors) {
  const TemporaryFolder folder;
  const BatchPtr rows = SampleTicks(200)->SelectColumns({0, 1, 3}).ValueOrDie();
  WriteAll(*OpenParquetSink(folder / "a.parquet", rows->schema(), {.row_group_rows = 50}).ValueOrDie(), rows, 70);
  WriteStream(folder / "a.arrow", rows, false);
  int errors = 0;
  for (const std::string name : {"a.parquet", "a.arrow"}) {
    const std::string bytes = BytesOf(folder / name);
    for (std::size_t at = 0; at < bytes.size(); at += 11) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
      WriteBytes(folder / name, damaged);
      const auto source = name == "a.arrow" ? ReadIpc(folder / name) : ReadParquet(folder / name);
      auto status = source.status();
      if (status.ok()) status = (*source)->Skip(150).status();
      if (status.ok()) status = (*source)->ToTable().status();
      errors += !status.ok();
      EXPECT_TRUE(status.ok() || status.IsOutOfMemory() || data::KindOf(status) == data::ErrorKind::kData) << status;
    }
  }
  EXPECT_GT(errors, 0);
}

// --- Edges. ---

TEST(SkippedRows, OfTextAreNone) {
  const TemporaryFolder folder;
  WriteAll(*OpenCsvSink(folder / "a.csv", SampleTicks(0)->schema()).ValueOrDie(), SampleTicks(200), 100);
  const auto source = ReadCsv(folder / "a.csv").ValueOrDie();
  EXPECT_EQ(source->Skip(150).ValueOrDie(), 0);
  EXPECT_EQ(AllRows(*source)->num_rows(), 200);
}

TEST(SkippedRows, OfFilesWithoutRows) {
  const TemporaryFolder folder;
  for (const std::string name : {"a", "b", "d"}) {
    WriteAll(*OpenIpcSink(folder / name + ".arrow", SampleTicks(0)->schema()).ValueOrDie(), SampleTicks(0), 1);
  }
  WriteAll(*OpenIpcSink(folder / "c.arrow", SampleTicks(0)->schema()).ValueOrDie(), SampleTicks(100), 100);
  for (const int64_t skip : {1, 99, 100, 101}) {
    const auto source = OpenIpc(folder / "");
    const int64_t skipped = source->Skip(skip).ValueOrDie();
    EXPECT_EQ(skipped, skip < 100 ? 0 : 100);
    EXPECT_EQ(source->ToTable().ValueOrDie()->num_rows(), 100 - skipped);
  }
}

// --- Values. ---

TEST(SkippedRows, OfParquetAreRowGroupsAndFiles) {
  const TemporaryFolder folder;
  const BatchPtr rows = SampleTicks(kRows, /*dictionary_symbols=*/false);
  WriteAll(*OpenParquetSink(folder / "a.parquet", rows->schema(), {.row_group_rows = kBlockRows}).ValueOrDie(), rows,
           100);
  WriteAll(*OpenParquetSink(folder / "parts", rows->schema(), {.row_group_rows = kBlockRows, .rows_per_file = 250})
                .ValueOrDie(),
           rows, 100);
  for (const Open& open : {Open(OpenParquet), Open(OpenSomeParquet), Open(OpenPrefetched)}) {
    ExpectTails(folder / "a.parquet", open, kBlockRows);
    ExpectTails(folder / "parts", open, kBlockRows);
  }
}

TEST(SkippedRows, OfIpcAreRecordBatchesAndFiles) {
  const TemporaryFolder folder;
  const BatchPtr rows = SampleTicks(kRows);
  for (const std::string compression : {"lz4", "none"}) {
    const IpcSinkOptions options = {.batch_rows = kBlockRows, .compression = compression, .rows_per_file = 250};
    WriteAll(*OpenIpcSink(folder / compression, rows->schema(), options).ValueOrDie(), rows, 100);
    for (const Open& open : {Open(OpenIpc), Open(OpenSomeIpc)}) ExpectTails(folder / compression, open, kBlockRows);
  }
  WriteStream(folder / "dictionary.arrow", rows, false);
  ExpectTails(folder / "dictionary.arrow", OpenIpc, kBlockRows);
  const auto strings = rows->SelectColumns({0}).ValueOrDie();
  WriteStream(folder / "only-a-dictionary.arrow", strings, false);
  ExpectTails(folder / "only-a-dictionary.arrow", OpenIpc, kBlockRows);
  WriteStream(folder / "stream.arrows", rows, true);
  EXPECT_EQ(OpenIpc(folder / "stream.arrows")->Skip(kRows).ValueOrDie(), 0);
}

TEST(SkippedRows, OfParquetAreNotRead) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.parquet";
  const BatchPtr rows = SampleTicks(kRows, /*dictionary_symbols=*/false);
  WriteAll(*OpenParquetSink(path, rows->schema(), {.row_group_rows = 300}).ValueOrDie(), rows, 100);
  const auto metadata = parquet::ParquetFileReader::OpenFile(path)->metadata();
  std::string bytes = BytesOf(path);
  const auto third = metadata->RowGroup(2)->ColumnChunk(0);
  const int64_t end = third->has_dictionary_page() ? third->dictionary_page_offset() : third->data_page_offset();
  std::fill(bytes.begin() + 4, bytes.begin() + end, '\xEE');
  WriteBytes(path, bytes);
  EXPECT_EQ(data::KindOf(OpenParquet(path)->ToTable().status()), data::ErrorKind::kData);
  for (const Open& open : {Open(OpenParquet), Open(OpenPrefetched)}) {
    const Tail tail = TailOf(*open(path), 700);
    EXPECT_EQ(tail.skipped, 600);
    EXPECT_TRUE(tail.rows->Equals(*rows->Slice(600)));
  }
}

// Text that is no UTF-8 is found by whoever reads it.
TEST(SkippedRows, OfIpcAreNotRead) {
  const TemporaryFolder folder;
  const std::string text = "passed over";
  const auto column = [](const std::string& value) {
    return ArrayOf<arrow::StringBuilder, std::string>(std::vector<std::string>(100, value));
  };
  const BatchPtr first = BatchOf({"s", "n"}, {column(text), ArrayOf<arrow::Int32Builder>(std::vector<int32_t>(100))});
  const BatchPtr second =
      BatchOf({"s", "n"}, {column("given"), ArrayOf<arrow::Int32Builder>(std::vector<int32_t>(100))});
  const IpcSinkOptions options = {.batch_rows = 100, .compression = "none"};
  for (const std::string name : {"a.arrow", "b.arrow"}) {
    const auto sink = OpenIpcSink(folder / name, first->schema(), options).ValueOrDie();
    ASSERT_TRUE(sink->Write(first).ok());
    WriteAll(*sink, second, 100);
    std::string bytes = BytesOf(folder / name);
    const std::size_t begin = bytes.find(text);
    ASSERT_NE(begin, std::string::npos);
    std::fill_n(bytes.begin() + static_cast<int64_t>(begin), text.size() * 100, '\xFF');
    WriteBytes(folder / name, bytes);
  }
  EXPECT_EQ(data::KindOf(OpenIpc(folder / "b.arrow")->ToTable().status()), data::ErrorKind::kData);
  const auto of_one = OpenIpc(folder / "b.arrow");
  EXPECT_EQ(of_one->Skip(150).ValueOrDie(), 100);
  EXPECT_TRUE(AllRows(*of_one)->Equals(*second));
  const auto of_both = OpenIpc(folder / "");
  EXPECT_EQ(of_both->Skip(300).ValueOrDie(), 300);
  EXPECT_TRUE(AllRows(*of_both)->Equals(*second));
}

}  // namespace
}  // namespace sabot::connectors
