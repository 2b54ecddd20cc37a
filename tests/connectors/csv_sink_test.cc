#include "sabot/connectors/csv_sink.h"

#include <arrow/type.h>
#include <arrow/util/io_util.h>
#include <gtest/gtest.h>

#include <array>
#include <cerrno>
#include <cmath>
#include <limits>
#include <optional>
#include <random>

#include <fcntl.h>
#include <unistd.h>

#include "sabot/connectors/csv_source.h"
#include "sabot/data/errors.h"
#include "tests/connectors/sample_rows.h"
#include "tests/connectors/temporary_folder.h"

namespace sabot::connectors {
namespace {

std::string Written(const BatchPtr& rows, int64_t batch_rows = 1'000'000, const CsvSinkOptions& options = {}) {
  const TemporaryFolder folder;
  WriteAll(*OpenCsvSink(folder / "a.csv", rows->schema(), options).ValueOrDie(), rows, batch_rows);
  return BytesOf(folder / "a.csv");
}

TEST(CsvSink, RefusesWhatCsvCannotHold) {
  const TemporaryFolder folder;
  const auto list = arrow::schema({arrow::field("a", arrow::list(arrow::int8()))});
  const auto status = OpenCsvSink(folder / "a.csv", list).status();
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kSchema);
  EXPECT_EQ(status.message(), "csv sink '" + (folder / "a.csv") +
                                  "': column 'a' has type list<item: int8>, which CSV cannot hold. Leave it out, or "
                                  "cast it before the sink.");
  EXPECT_EQ(data::KindOf(OpenCsvSink(folder / "a.csv", list, {.delimiter = '"'}).status()), data::ErrorKind::kOption);
  EXPECT_TRUE(folder.empty());
}

TEST(CsvSink, AReaderThatHasGoneIsAnError) {
  std::array<int, 2> ends{};
  ASSERT_EQ(pipe(ends.data()), 0);
  const BatchPtr rows = SampleTicks(10);
  const auto sink = OpenCsvSink("/dev/fd/" + std::to_string(ends[1]), rows->schema()).ValueOrDie();
  close(ends[0]);
  close(ends[1]);
  ASSERT_TRUE(sink->Write(rows).ok());  // Not yet written.
  EXPECT_EQ(arrow::internal::ErrnoFromStatus(sink->Close()), EPIPE);
}

TEST(CsvSink, WritesWhatReadsBack) {
  const auto timestamp = [](arrow::TimeUnit::type unit, const std::string& zone, std::vector<int64_t> values) {
    return ArrayOf(values, arrow::TimestampBuilder(arrow::timestamp(unit, zone), arrow::default_memory_pool()));
  };
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  const BatchPtr rows = BatchOf({"plain", "a,b", "i", "t", "z", "d", "f"},
                                {ArrayOf<arrow::StringBuilder, std::string>({"x", "", "say \"hi\",\nyou"}),
                                 ArrayOf<arrow::DoubleBuilder, double>({0.1, -kInfinity, -std::nan("")}),
                                 ArrayOf<arrow::UInt64Builder, uint64_t>({0, 1, std::numeric_limits<uint64_t>::max()}),
                                 timestamp(arrow::TimeUnit::NANO, "", {0, -1, 1'704'164'645'123'456'789}),
                                 timestamp(arrow::TimeUnit::SECOND, "Europe/Berlin", {0, 951'782'400, -2'203'891'201}),
                                 ArrayOf<arrow::Date32Builder, int32_t>({0, -1, 19'724}),
                                 ArrayOf<arrow::BooleanBuilder, bool>({true, false, true})});
  EXPECT_EQ(Written(rows),
            "plain,\"a,b\",i,t,z,d,f\n"
            "x,0.1,0,1970-01-01T00:00:00.000000000,1970-01-01T00:00:00Z,1970-01-01,true\n"
            "\"\",-inf,1,1969-12-31T23:59:59.999999999,2000-02-29T00:00:00Z,1969-12-31,false\n"
            "\"say \"\"hi\"\",\nyou\",nan,18446744073709551615,2024-01-02T03:04:05.123456789,1900-02-28T23:59:59Z,"
            "2024-01-02,true\n");
}

TEST(CsvSink, NullIsNothingAtAll) {
  const BatchPtr rows = BatchOf({"s", "x"}, {ArrayOf<arrow::StringBuilder, std::string>({"", "a"}),
                                             ArrayOf<arrow::DoubleBuilder, double>({1, 2})});
  const auto nulls = arrow::MakeArrayOfNull(arrow::utf8(), 2).ValueOrDie();
  EXPECT_EQ(Written(BatchOf({"s", "x"}, {nulls, rows->column(1)})), "s,x\n,1\n,2\n");
  EXPECT_EQ(Written(rows), "s,x\n\"\",1\na,2\n");
  EXPECT_EQ(Written(BatchOf({"s"}, {nulls})), "s\n\"\"\n\"\"\n");
  EXPECT_EQ(Written(rows, 1, {.delimiter = ';', .header = false}), "\"\";1\na;2\n");
}

TEST(CsvSink, BytesDoNotDependOnTheCut) {
  const BatchPtr rows = SampleTicks(5'000);
  const std::string expected = Written(rows);
  for (const int64_t batch_rows : {1, 7, 1'023, 1'024, 1'025}) EXPECT_EQ(Written(rows, batch_rows), expected);
  EXPECT_EQ(Written(SampleTicks(5'000, false)), expected);
}

TEST(CsvSink, EveryDoubleReadsBackAsTheSameBits) {
  std::mt19937_64 random(1);
  std::vector<double> values = {0.0, -0.0, 5e-324, 1.7976931348623157e308, 100, 1e22, 123456789.125};
  while (values.size() < 20'000) {
    const double value = std::bit_cast<double>(random());
    if (std::isfinite(value)) values.push_back(value);
  }
  const BatchPtr rows =
      BatchOf({"x", "y"}, {ArrayOf<arrow::DoubleBuilder>(values), ArrayOf<arrow::DoubleBuilder>(values)});
  const TemporaryFolder folder;
  WriteAll(*OpenCsvSink(folder / "a.csv", rows->schema()).ValueOrDie(), rows, 999);
  const BatchPtr back = AllRows(*ReadCsv(folder / "a.csv", {.types = {{"x", arrow::float64()}}}).ValueOrDie());
  for (std::size_t row = 0; row < values.size(); ++row) {
    const double value = dynamic_cast<const arrow::DoubleArray&>(*back->column(0)).Value(static_cast<int64_t>(row));
    ASSERT_EQ(std::bit_cast<uint64_t>(value), std::bit_cast<uint64_t>(values[row])) << values[row];
  }
}

TEST(CsvSink, TicksReadBackAsTheyWere) {
  const TemporaryFolder folder;
  const BatchPtr rows = SampleTicks(5'000, false);
  WriteAll(*OpenCsvSink(folder / "a.csv", rows->schema()).ValueOrDie(), rows, 999);
  CsvSourceOptions options;
  for (const auto& field : rows->schema()->fields()) options.types.emplace_back(field->name(), field->type());
  EXPECT_TRUE(AllRows(*ReadCsv(folder / "a.csv", options).ValueOrDie())->Equals(*rows));
}

TEST(CsvSink, FilesAreCutByRowsAndEachHasAHeader) {
  const TemporaryFolder folder;
  const BatchPtr rows = BatchOf({"x"}, {ArrayOf<arrow::Int32Builder, int32_t>({1, 2, 3})});
  WriteAll(*OpenCsvSink(folder / "out", rows->schema(), {.rows_per_file = 2}).ValueOrDie(), rows, 3);
  EXPECT_EQ(BytesOf(folder / "out/part-00000.csv"), "x\n1\n2\n");
  EXPECT_EQ(BytesOf(folder / "out/part-00001.csv"), "x\n3\n");
}

}  // namespace
}  // namespace sabot::connectors
