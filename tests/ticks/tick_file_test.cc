#include "sabot/ticks/tick_file.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/io/file.h>
#include <arrow/table.h>
#include <arrow/util/io_util.h>
#include <arrow/util/key_value_metadata.h>
#include <arrow/util/logging.h>
#include <gtest/gtest.h>
#include <parquet/arrow/writer.h>

#include <cerrno>
#include <filesystem>
#include <limits>
#include <string>
#include <vector>

#include "sabot/data/errors.h"
#include "sabot/ticks/tick_buffer.h"
#include "tests/connectors/temporary_folder.h"

namespace sabot::ticks {
namespace {

using connectors::BytesOf;
using connectors::TemporaryFolder;
using connectors::WriteBytes;

using BatchPtr = std::shared_ptr<arrow::RecordBatch>;
constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Row i has time 10 i, the three types in turn, and values of its own.
TickBuffer Ticks(int64_t begin, int64_t end) {
  TickBuffer ticks;
  for (int64_t row = begin; row < end; ++row) {
    ticks.Append({.timestamp = 10 * row,
                  .type = static_cast<TickType>(row % 3),
                  .price = 1 + static_cast<double>(row) / 7,
                  .volume = static_cast<double>(row % 11),
                  .side = static_cast<int8_t>(row % 3 - 1)});
  }
  return ticks;
}

void Write(const std::string& path, std::vector<TickBuffer> batches, bool with_side, const TickFileInfo& info = {}) {
  const auto writer = OpenTickFileWriter(path, with_side).ValueOrDie();
  for (TickBuffer& batch : batches) ARROW_CHECK_OK(writer->Write(batch.Take(with_side)));
  ARROW_CHECK_OK(writer->Close(info));
}

// A Parquet file of somebody else.
void WriteForeign(const std::string& path, const BatchPtr& batch, int64_t row_group_rows = 1'000) {
  const auto file = arrow::io::FileOutputStream::Open(path).ValueOrDie();
  const auto table = arrow::Table::FromRecordBatches({batch}).ValueOrDie();
  ARROW_CHECK_OK(parquet::arrow::WriteTable(*table, arrow::default_memory_pool(), file, row_group_rows,
                                            parquet::default_writer_properties(),
                                            parquet::ArrowWriterProperties::Builder().store_schema()->build()));
  ARROW_CHECK_OK(file->Close());
}

BatchPtr With(const BatchPtr& batch, int column, const std::string& name, const std::shared_ptr<arrow::Array>& values) {
  return batch->SetColumn(column, arrow::field(name, values->type()), values).ValueOrDie();
}

BatchPtr ReadAll(const std::string& path, int64_t batch_rows) {
  const auto reader = OpenTickFile(path, batch_rows).ValueOrDie();
  arrow::RecordBatchVector batches;
  while (const BatchPtr batch = reader->Next().ValueOrDie()) {
    EXPECT_GE(batch->num_rows(), 1);
    EXPECT_LE(batch->num_rows(), batch_rows);
    EXPECT_TRUE(batch->schema()->Equals(*TickSchema(reader->has_side())));
    ARROW_CHECK_OK(batch->ValidateFull());
    batches.push_back(batch);
  }
  return batches.empty() ? nullptr : arrow::ConcatenateRecordBatches(batches).ValueOrDie();
}

// The message of the first error of reading it all.
std::string ErrorOf(const std::string& path, data::ErrorKind kind) {
  auto reader = OpenTickFile(path);
  auto status = reader.status();
  while (status.ok()) {
    const auto batch = (*reader)->Next();
    status = batch.status();
    if (batch.ok() && *batch == nullptr) return "no error";
  }
  EXPECT_EQ(data::KindOf(status), kind) << status;
  const std::string where = "tick file '" + path + "': ";
  EXPECT_EQ(status.message().find(where), 0U) << status;
  return status.message().substr(where.size());
}

constexpr const char* kConvert = " Convert it: 'sabot convert', or sabot.backtest.convert_ticks.";

// --- Wrong use. ---

TEST(TickFile, SaysWhatIsWrongWithAFile) {
  const TemporaryFolder folder;
  EXPECT_EQ(arrow::internal::ErrnoFromStatus(OpenTickFile(folder / "none.parquet").status()), ENOENT);
  WriteBytes(folder / "text.parquet", "Dates,Type\n");
  EXPECT_EQ(data::KindOf(OpenTickFile(folder / "text.parquet").status()), data::ErrorKind::kData);
  Write(folder / "a.parquet", {Ticks(0, 10)}, false);
  EXPECT_EQ(data::KindOf(OpenTickFile(folder / "a.parquet", 0).status()), data::ErrorKind::kOption);
  Write(folder / "b.parquet", {Ticks(0, 10)}, false);
  EXPECT_EQ(data::KindOf(OpenTickFile(folder / "").status()), data::ErrorKind::kOption);
}

TEST(TickFile, NamesTheColumnThatIsMissingOrOfAnotherType) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.parquet";
  const BatchPtr ticks = Ticks(0, 10).Take(false);
  WriteForeign(path, With(ticks, 2, "prise", ticks->column(2)));
  EXPECT_EQ(ErrorOf(path, data::ErrorKind::kSchema),
            std::string("column 'price' is missing. Nearest names: 'prise'.") + kConvert);
  WriteForeign(path, With(ticks, 2, "price", ticks->column(0)));
  EXPECT_EQ(ErrorOf(path, data::ErrorKind::kSchema),
            std::string("column 'price' is timestamp[ns], and a tick file has double.") + kConvert);
  const auto dubai = arrow::MakeArrayOfNull(arrow::timestamp(arrow::TimeUnit::NANO, "Asia/Dubai"), 10).ValueOrDie();
  WriteForeign(path, With(ticks, 0, "timestamp", dubai));
  EXPECT_TRUE(ErrorOf(path, data::ErrorKind::kSchema)
                  .starts_with("column 'timestamp' is timestamp[ns, tz=Asia/Dubai]; expected no time zone, or UTC: "));
  const auto zoned = arrow::MakeArrayOfNull(arrow::timestamp(arrow::TimeUnit::NANO, "UTC"), 10).ValueOrDie();
  WriteForeign(path, With(ticks, 0, "timestamp", zoned));
  EXPECT_EQ(ErrorOf(path, data::ErrorKind::kSchema),
            std::string("column 'timestamp' is timestamp[ns, tz=UTC], and a tick file has timestamp[ns].") + kConvert);
  EXPECT_FALSE(LookAtTickFile(path).ValueOrDie().is_canonical);
}

TEST(TickFile, NamesTheRowThatBreaksAPromise) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.parquet";
  const auto error_of = [&](const Tick& tick) {
    TickBuffer ticks = Ticks(0, 70'000);  // The bad one is in the second row group.
    ticks.Append(tick);
    WriteForeign(path, ticks.Take(true), 65'536);
    const std::string message = ErrorOf(path, data::ErrorKind::kData);
    EXPECT_EQ(message.find("row 70001: "), 0U) << message;
    EXPECT_TRUE(message.ends_with(kConvert)) << message;
    return message.substr(11, message.size() - 11 - std::string_view(kConvert).size());
  };
  const int64_t next = 700'000;
  EXPECT_EQ(error_of({699'989, TickType::kBid, 1, 1}), "the time goes back from 699990 to 699989 ns.");
  EXPECT_EQ(error_of({next, TickType::kBid, 0, 1}), "price is 0.000000, expected a finite number above zero.");
  EXPECT_EQ(error_of({next, TickType::kBid, -1, 1}), "price is -1.000000, expected a finite number above zero.");
  EXPECT_EQ(error_of({next, TickType::kBid, kNan, 1}), "price is nan, expected a finite number above zero.");
  EXPECT_EQ(error_of({next, TickType::kBid, kInfinity, 1}), "price is inf, expected a finite number above zero.");
  EXPECT_EQ(error_of({next, TickType::kBid, 1, -1}), "volume is -1.000000, expected a finite number, zero or more.");
  EXPECT_EQ(error_of({next, TickType::kBid, 1, kNan}), "volume is nan, expected a finite number, zero or more.");
  EXPECT_EQ(error_of({next, TickType::kBid, 1, 1, 2}), "side is 2, expected 1, -1 or nothing.");
}

TEST(TickFile, NamesATypeAndANullThatCannotBe) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.parquet";
  const BatchPtr ticks = Ticks(0, 3).Take(false);
  arrow::StringBuilder types;
  ARROW_CHECK_OK(types.AppendValues({"bid", "TRADE ", "settle"}));
  WriteForeign(path, With(ticks, 1, "type", types.Finish().ValueOrDie()));
  EXPECT_EQ(ErrorOf(path, data::ErrorKind::kData),
            std::string("row 3: type is 'settle', expected bid, ask or trade.") + kConvert);
  arrow::DoubleBuilder prices;
  ARROW_CHECK_OK(prices.Append(1));
  ARROW_CHECK_OK(prices.AppendNull());
  ARROW_CHECK_OK(prices.Append(1));
  WriteForeign(path, With(ticks, 2, "price", prices.Finish().ValueOrDie()));
  EXPECT_EQ(ErrorOf(path, data::ErrorKind::kData), std::string("row 2: 'price' is null.") + kConvert);
}

TEST(TickFile, KnowsWhatMustBeConverted) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.parquet";
  const BatchPtr ticks = Ticks(0, 70'000).Take(false);
  Write(path, {Ticks(0, 10)}, false);
  EXPECT_TRUE(IsTickFile(path).ValueOrDie());
  WriteForeign(path, ticks);
  EXPECT_TRUE(IsTickFile(path).ValueOrDie());
  TickBuffer late = Ticks(0, 70'000);
  late.Append({.timestamp = 1, .price = 1});
  WriteForeign(path, late.Take(false));
  EXPECT_FALSE(IsTickFile(path).ValueOrDie());
  WriteForeign(path, With(ticks, 2, "size", ticks->column(2)));
  EXPECT_FALSE(IsTickFile(path).ValueOrDie());
  const auto symbols = arrow::MakeArrayOfNull(arrow::utf8(), 70'000).ValueOrDie();
  WriteForeign(path, ticks->AddColumn(0, "symbol", symbols).ValueOrDie());
  EXPECT_FALSE(IsTickFile(path).ValueOrDie());
  EXPECT_EQ(ErrorOf(path, data::ErrorKind::kSchema),
            std::string("it has a column 'symbol', and a tick file holds one security.") + kConvert);
  EXPECT_TRUE(IsTickFile(folder / "none.parquet").status().IsIOError());
}

TEST(TickFile, RefusesAVersionThatItDoesNotKnow) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.parquet";
  const auto ticks = Ticks(0, 3).Take(false);
  WriteForeign(path, ticks->ReplaceSchemaMetadata(arrow::key_value_metadata({"sabot.ticks"}, {"2"})));
  EXPECT_EQ(ErrorOf(path, data::ErrorKind::kData),
            "it is a tick file of version '2', and this Sabot reads version 1. Convert its source again.");
}

// --- Edges. ---

TEST(TickFile, NothingIsLeftOfAFileThatWasNotClosed) {
  const TemporaryFolder folder;
  {
    const auto writer = OpenTickFileWriter(folder / "a.parquet", false).ValueOrDie();
    ARROW_CHECK_OK(writer->Write(Ticks(0, 100'000).Take(false)));
    EXPECT_FALSE(std::filesystem::exists(folder / "a.parquet"));
  }
  EXPECT_TRUE(std::filesystem::is_empty(folder / ""));
}

TEST(TickFile, AFileWithoutRowsIsOne) {
  const TemporaryFolder folder;
  Write(folder / "a.parquet", {}, true, {.security = "NONE"});
  const auto reader = OpenTickFile(folder / "a.parquet").ValueOrDie();
  EXPECT_TRUE(reader->has_side());
  EXPECT_EQ(reader->info().security, "NONE");
  EXPECT_EQ(reader->info().rows, 0);
  EXPECT_EQ(reader->Next().ValueOrDie(), nullptr);
  EXPECT_EQ(reader->Next().ValueOrDie(), nullptr);
}

TEST(TickFile, NamesHideNoFileAndLeadNowhereElse) {
  EXPECT_EQ(TickFileName("ADNOCGAS"), "adnocgas.parquet");
  EXPECT_EQ(TickFileName("BTCUSDT.SPOT"), "btcusdt.spot.parquet");
  EXPECT_EQ(TickFileName("../a\\b"), "-.-a-b.parquet");
  EXPECT_EQ(TickFileName("_x\n"), "-x-.parquet");
}

// --- Values. ---

TEST(TickFile, GivesBackWhatWasWritten) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.parquet";
  const TickFileInfo info = {.security = "Big",
                             .source = "ticks.xlsx sheet 'Big UH Equity'",
                             .source_digest = "abc",
                             .market = "adx",
                             .rows = -1,
                             .rejected = 3,
                             .reordered = 4};
  for (const bool with_side : {false, true}) {
    Write(path, {Ticks(0, 1), Ticks(1, 70'000), Ticks(70'000, 150'000)}, with_side, info);
    const BatchPtr expected = Ticks(0, 150'000).Take(with_side);
    for (const int64_t batch_rows : {7, 65'536, 100'000}) {
      EXPECT_TRUE(ReadAll(path, batch_rows)->Equals(*expected)) << batch_rows;
    }
    const auto reader = OpenTickFile(path).ValueOrDie();
    EXPECT_EQ(reader->has_side(), with_side);
    EXPECT_EQ(reader->info().security, "Big");
    EXPECT_EQ(reader->info().source, info.source);
    EXPECT_EQ(reader->info().source_digest, "abc");
    EXPECT_EQ(reader->info().market, "adx");
    EXPECT_EQ(reader->info().rows, 150'000);
    EXPECT_EQ(reader->info().rejected, 3);
    EXPECT_EQ(reader->info().reordered, 4);
    EXPECT_TRUE(LookAtTickFile(path).ValueOrDie().is_ours);
  }
}

TEST(TickFile, BytesDoNotDependOnTheBatches) {
  const TemporaryFolder folder;
  Write(folder / "a.parquet", {Ticks(0, 150'000)}, true);
  Write(folder / "b.parquet", {Ticks(0, 1), Ticks(1, 65'537), Ticks(65'537, 140'000), Ticks(140'000, 150'000)}, true);
  EXPECT_EQ(BytesOf(folder / "a.parquet"), BytesOf(folder / "b.parquet"));
}

TEST(TickFile, ColumnsShowZeroForASideThatIsNotKnown) {
  const BatchPtr ticks = Ticks(0, 5).Take(true);
  EXPECT_EQ(ticks->column(4)->null_count(), 2);
  const TickColumns columns = TickColumnsOf(*ticks->Slice(1, 3));
  EXPECT_EQ(columns.rows(), 3);
  EXPECT_EQ(columns.timestamps[0], 10);
  EXPECT_EQ(columns.types[1], TickType::kTrade);
  EXPECT_EQ(columns.prices[2], 1 + 3.0 / 7);
  EXPECT_EQ(columns.volumes[2], 3);
  EXPECT_EQ(std::vector<int8_t>(columns.sides.begin(), columns.sides.end()), (std::vector<int8_t>{0, 1, -1}));
  EXPECT_TRUE(TickColumnsOf(*Ticks(0, 5).Take(false)).sides.empty());
}

TEST(TickFile, ReadsAFileOfSomebodyElseThatIsInOrder) {
  const TemporaryFolder folder;
  const std::string path = folder / "Foreign.parquet";
  const BatchPtr ticks = Ticks(0, 5'000).Take(true);
  arrow::StringBuilder types;  // In capitals, plain, and with columns in another order beside others.
  for (int64_t row = 0; row < 5'000; ++row) {
    ARROW_CHECK_OK(types.Append(std::vector<std::string>{"BID", "Ask", " trade"}[static_cast<std::size_t>(row % 3)]));
  }
  const auto plain = types.Finish().ValueOrDie();
  const auto batch = arrow::RecordBatch::Make(
      arrow::schema({arrow::field("side", arrow::int8()), arrow::field("note", arrow::utf8()),
                     arrow::field("volume", arrow::float64()), arrow::field("type", arrow::utf8()),
                     arrow::field("price", arrow::float64()), ticks->schema()->field(0)}),
      5'000, {ticks->column(4), plain, ticks->column(3), plain, ticks->column(2), ticks->column(0)});
  WriteForeign(path, batch);
  EXPECT_TRUE(ReadAll(path, 300)->Equals(*ticks));
  const auto reader = OpenTickFile(path).ValueOrDie();
  EXPECT_EQ(reader->info().security, "Foreign");
  EXPECT_EQ(reader->info().market, "");
  EXPECT_EQ(reader->info().rows, 5'000);
  const auto look = LookAtTickFile(path).ValueOrDie();
  EXPECT_FALSE(look.is_ours);
  EXPECT_TRUE(look.is_canonical);
}

}  // namespace
}  // namespace sabot::ticks
