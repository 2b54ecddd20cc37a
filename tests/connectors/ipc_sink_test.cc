#include "sabot/connectors/ipc_sink.h"

#include <arrow/ipc/reader.h>
#include <gtest/gtest.h>

#include "sabot/connectors/ipc_source.h"
#include "sabot/data/errors.h"
#include "tests/connectors/sample_rows.h"
#include "tests/connectors/temporary_folder.h"

namespace sabot::connectors {
namespace {

std::string Written(const BatchPtr& rows, int64_t batch_rows, const IpcSinkOptions& options = {.batch_rows = 300}) {
  const TemporaryFolder folder;
  WriteAll(*OpenIpcSink(folder / "a.arrow", rows->schema(), options).ValueOrDie(), rows, batch_rows);
  return BytesOf(folder / "a.arrow");
}

TEST(IpcSink, RefusesOptionsOutOfRange) {
  const TemporaryFolder folder;
  const auto schema = SampleTicks(0)->schema();
  const auto rows = OpenIpcSink(folder / "a.arrow", schema, {.batch_rows = 0}).status();
  EXPECT_EQ(data::KindOf(rows), data::ErrorKind::kOption);
  EXPECT_EQ(rows.message(),
            "ipc sink '" + (folder / "a.arrow") + "': batch_rows is 0. Use a value from 1 to 1073741824.");
  EXPECT_EQ(data::KindOf(OpenIpcSink(folder / "a.arrow", schema, {.compression = "zip"}).status()),
            data::ErrorKind::kOption);
  EXPECT_TRUE(folder.empty());
}

TEST(IpcSink, BytesDoNotDependOnTheCut) {
  const BatchPtr rows = SampleTicks(1'000);
  const std::string expected = Written(rows, 1'000);
  for (const int64_t batch_rows : {1, 7, 299, 300, 301, 999})
    EXPECT_EQ(Written(rows, batch_rows), expected) << batch_rows;
  EXPECT_EQ(Written(SampleTicks(1'000, false), 50), expected);  // Nor on the encoding of symbols.
}

// What lies under a null, or beyond the last row, is nobody's row.
TEST(IpcSink, BytesDoNotDependOnWhatIsNoRow) {
  const auto with = [](uint8_t beyond, double under_null, const std::string& text) {
    const std::vector<uint8_t> validity = {static_cast<uint8_t>(0b101 | beyond)};
    const std::vector<double> numbers = {1.5, under_null, 2.5};
    const std::vector<int32_t> offsets = {0, 1, static_cast<int32_t>(1 + text.size()),
                                          static_cast<int32_t>(2 + text.size())};
    const auto copy = [](const auto& values) { return arrow::Buffer::FromVector(std::vector(values)); };
    const auto text_buffer = arrow::Buffer::FromString("a" + text + "b");
    const auto flags = arrow::Buffer::FromVector(std::vector<uint8_t>{static_cast<uint8_t>(0b101 | beyond)});
    return BatchOf(
        {"x", "s", "b", "l"},
        {arrow::MakeArray(arrow::ArrayData::Make(arrow::float64(), 3, {copy(validity), copy(numbers)})),
         arrow::MakeArray(arrow::ArrayData::Make(arrow::utf8(), 3, {copy(validity), copy(offsets), text_buffer})),
         arrow::MakeArray(arrow::ArrayData::Make(arrow::boolean(), 3, {nullptr, flags})),
         arrow::MakeArray(arrow::ArrayData::Make(arrow::int64(), 3, {nullptr, copy(std::vector<int64_t>{1, 2, 3})}))});
  };
  const std::string expected = Written(with(0, 0, ""), 3);
  EXPECT_EQ(Written(with(0xF0, 7, "garbage"), 3), expected);
  EXPECT_EQ(Written(with(0xF0, 7, "garbage"), 1), expected);
}

TEST(IpcSink, RowsComeBackInBatchesOfTheirSize) {
  const BatchPtr rows = SampleTicks(1'000);
  for (const std::string compression : {"lz4", "zstd", "none"}) {
    const TemporaryFolder folder;
    auto sink = OpenIpcSink(folder / "a.arrow", rows->schema(), {.batch_rows = 300, .compression = compression});
    WriteAll(**sink, rows, 77);
    EXPECT_EQ((*sink)->rows_written(), 1'000);
    EXPECT_EQ((*sink)->bytes_written(), static_cast<int64_t>(BytesOf(folder / "a.arrow").size()));
    const auto source = ReadIpc(folder / "a.arrow").ValueOrDie();
    for (const int64_t count : {300, 300, 300, 100}) EXPECT_EQ(source->Next().ValueOrDie()->num_rows(), count);
    EXPECT_TRUE(AllRows(*ReadIpc(folder / "a.arrow").ValueOrDie())->Equals(*SampleTicks(1'000, false)));
  }
}

TEST(IpcSink, NoRowsAreAFileWithASchema) {
  const TemporaryFolder folder;
  WriteAll(*OpenIpcSink(folder / "a.arrow", SampleTicks(0)->schema()).ValueOrDie(), SampleTicks(0), 1);
  EXPECT_EQ(ReadIpc(folder / "a.arrow").ValueOrDie()->schema()->num_fields(), 10);
}

}  // namespace
}  // namespace sabot::connectors
