#include "sabot/connectors/csv_source.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/memory_pool.h>
#include <arrow/table.h>
#include <arrow/type.h>
#include <arrow/util/logging.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "sabot/data/errors.h"
#include "tests/connectors/temporary_folder.h"

namespace sabot::connectors {
namespace {

class KeptRejects final : public data::RejectLog {
 public:
  arrow::Status Add(const data::Reject& reject) override { return kept.push_back(reject), arrow::Status::OK(); }
  int64_t count() const override { return static_cast<int64_t>(kept.size()); }

  std::vector<data::Reject> kept;
};

struct Outcome {
  std::shared_ptr<arrow::RecordBatch> rows;
  std::vector<data::Reject> rejects;

  // "line 3: reason | row"
  std::vector<std::string> Text() const {
    std::vector<std::string> text;
    for (const auto& reject : rejects) {
      text.push_back(reject.where.substr(reject.where.rfind("line")) + ": " + reject.reason + " | " + reject.row);
    }
    return text;
  }
};

Outcome ReadFile(const std::string& path, CsvSourceOptions options = {}) {
  auto rejects = std::make_shared<KeptRejects>();
  options.rejects = rejects;
  const auto source = ReadCsv(path, options);
  ARROW_CHECK_OK(source.status());
  return {.rows = (*source)->ToTable().ValueOrDie()->CombineChunksToBatch().ValueOrDie(), .rejects = rejects->kept};
}

Outcome Read(const std::string& bytes, const CsvSourceOptions& options = {}) {
  const TemporaryFolder folder;
  WriteBytes(folder / "a.csv", bytes);
  return ReadFile(folder / "a.csv", options);
}

arrow::Status Refusal(const std::string& bytes, const CsvSourceOptions& options = {}) {
  const TemporaryFolder folder;
  WriteBytes(folder / "a.csv", bytes);
  const auto source = ReadCsv(folder / "a.csv", options);
  const arrow::Status status = source.ok() ? (*source)->ToTable().status() : source.status();
  const std::string where = "csv source '" + (folder / "a.csv") + "': ";
  if (!status.message().starts_with(where)) return status;
  return status.WithMessage(status.message().substr(where.size()));
}

void ExpectRefused(const std::string& bytes, const CsvSourceOptions& options, data::ErrorKind kind,
                   const std::string& message) {
  const auto status = Refusal(bytes, options);
  EXPECT_EQ(data::KindOf(status), kind) << status;
  EXPECT_EQ(status.message(), message);
}

std::string TypesOf(const arrow::RecordBatch& rows) {
  std::string text;
  for (const auto& field : rows.schema()->fields()) text += (text.empty() ? "" : " ") + field->type()->ToString();
  return text;
}

// --- Wrong use. ---

TEST(CsvSource, RefusesAHeaderThatNamesNoColumns) {
  using enum data::ErrorKind;
  ExpectRefused("", {}, kData, "the file is empty (0 bytes). Fetch or write it again.");
  ExpectRefused("\n\r\n\n", {}, kData, "the file has no header, all its lines are empty. Write it again.");
  ExpectRefused("a,,c\n1,2,3\n", {}, kSchema,
                "column 2 has no name in the header. Name it there, or give column_names.");
  ExpectRefused("a,b,a\n1,2,3\n", {}, kSchema,
                "columns 1 and 3 are both named 'a' in the header. Name each differently.");
  ExpectRefused("1,2.5\n3,4\n", {}, kSchema,
                "the first line holds numbers ('1'), it seems to be a row and no header. Give column_names.");
  ExpectRefused("a,\"b\n1,2\n", {}, kData,
                "a quote in the header is not closed. Mend the first line, or name another quote.");
  ExpectRefused("a,\xFFz\n1,2\n", {}, kData,
                "the name of column 2 in the header is no valid UTF-8. Write the file as UTF-8 text.");
  ExpectRefused("a,b\n", {.column_names = {"x"}}, kSchema,
                "column_names has 1 names, but line 1 has 2 fields. Name each column.");
}

TEST(CsvSource, RefusesOtherFormats) {
  using enum data::ErrorKind;
  ExpectRefused("\x1F\x8Bxxx\n", {}, kData, "this is no CSV file but compressed with gzip. Unpack it first.");
  ExpectRefused("PAR1...\n", {}, kData, "this is no CSV file but a Parquet file. Read it as one.");
  ExpectRefused(
      "\xFF\xFE"
      "a\n",
      {}, kData, "this is no CSV file but UTF-16. Write it as UTF-8.");
}

TEST(CsvSource, NamesColumnsLikeTheMissingOne) {
  ExpectRefused("symbol,price\nA,1\n", {.columns = {"prise"}}, data::ErrorKind::kSchema,
                "column 'prise' is missing. Nearest names: 'price'.");
  ExpectRefused("symbol,price\nA,1\n", {.types = {{"prise", arrow::int64()}}}, data::ErrorKind::kSchema,
                "types names column 'prise', which is missing. Nearest names: 'price'.");
}

TEST(CsvSource, RefusesOptionsThatCannotBeUsed) {
  const auto refused = [](const CsvSourceOptions& options) {
    return data::KindOf(Refusal("a\n1\n", options)) == data::ErrorKind::kOption;
  };
  EXPECT_TRUE(refused({.delimiter = '\n'}));
  EXPECT_TRUE(refused({.delimiter = '"'}));
  EXPECT_TRUE(refused({.batch_rows = 0}));
  EXPECT_TRUE(refused({.block_bytes = 0}));
  EXPECT_TRUE(refused({.types = {{"a", nullptr}}}));
  EXPECT_TRUE(refused({.types = {{"a", arrow::list(arrow::int8())}}}));
}

TEST(CsvSource, WithoutALogTheFirstBadRowIsAnError) {
  const auto status = Refusal("symbol,price\nA,1\nB,abc\nC,x\n", {.types = {{"price", arrow::float64()}}});
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kData);
  EXPECT_NE(status.message().find("a.csv' line 3: column 'price': 'abc' is no double. The row: 'B,abc'. Mend it, or "
                                  "give the run a place for rejected rows"),
            std::string::npos)
      << status;
}

TEST(CsvSource, AnEndlessRowIsAnError) {
  const std::string row(17 << 20, 'x');
  EXPECT_EQ(data::KindOf(Refusal("a,b\n1," + row + "\n")), data::ErrorKind::kData);
  const auto status = Refusal("a,b\n1,2\n1,\"" + row + "\n1,2\n", {.newlines_in_values = true});
  EXPECT_EQ(status.message(),
            "the row that begins at line 3 has more than 16777216 bytes. A quote in it may not be closed.");
}

// --- Edges. ---

TEST(CsvSource, RejectsSingleRowsAndKeepsAllOthers) {
  const Outcome outcome = Read(
      "symbol,price,size\n"
      "A,1.5,1\n"
      "B,2.5\n"
      "C,3.5,3,4\n"
      "\n"
      "D,abc,4\n"
      "E,5.5,\"5\n"
      "F\xFF,6.5,6\n"
      "G,7.5,7\n"
      "H,8.5,x\n",
      {.types = {{"symbol", arrow::utf8()}, {"price", arrow::float64()}, {"size", arrow::int32()}}});
  EXPECT_EQ(outcome.Text(), (std::vector<std::string>{
                                "line 3: it has 2 fields, the header 3 | B,2.5",
                                "line 4: it has 4 fields, the header 3 | C,3.5,3,4",
                                "line 6: column 'price': 'abc' is no double | D,abc,4",
                                "line 7: a quote is not closed | E,5.5,\"5",
                                "line 8: column 'symbol': 'F\\xff' is no valid UTF-8 | F\xFF,6.5,6",
                                "line 10: column 'size': 'x' is no int32 | H,8.5,x",
                            }));
  ASSERT_EQ(outcome.rows->num_rows(), 2);
  EXPECT_EQ(outcome.rows->column(0)->ToString(), "[\n  \"A\",\n  \"G\"\n]");
  EXPECT_EQ(outcome.rows->column(1)->ToString(), "[\n  1.5,\n  7.5\n]");
}

TEST(CsvSource, KnowsTheLineOfEachRow) {
  for (const int64_t block_bytes : {1, 7, 1 << 20}) {
    const auto lines_of = [&](const std::string& bytes, bool newlines) {
      const Outcome outcome = Read(bytes, {.newlines_in_values = newlines,
                                           .types = {{"a", arrow::float64()}},
                                           .line_column = "line",
                                           .block_bytes = block_bytes});
      EXPECT_EQ(outcome.rows->schema()->field_names().back(), "line");
      return outcome.rows->column(outcome.rows->num_columns() - 1)->ToString();
    };
    EXPECT_EQ(lines_of("\na,b\n1,2\n1,2\n", false), "[\n  3,\n  4\n]");
    EXPECT_EQ(lines_of("a,b\n1,2\n\n1\n1,2\r\nx,2\n1,2\n", false), "[\n  2,\n  5,\n  7\n]");
    EXPECT_EQ(lines_of("a,b\n1,\"\n2\"\n1,2\n", true), "[\n  2,\n  4\n]");
  }
}

TEST(CsvSource, SaysThatATypeWasInferred) {
  std::string bytes = "a\n";
  for (int row = 0; row < 3'000'000; ++row) bytes += "1\n";
  bytes += "2.5\n";
  const Outcome outcome = Read(bytes);
  EXPECT_EQ(outcome.rows->num_rows(), 3'000'000);
  EXPECT_EQ(outcome.Text(), std::vector<std::string>{
                                "line 3000002: column 'a': '2.5' is no int64, the type inferred from the first 4 MB; "
                                "types gives it another | 2.5"});
}

TEST(CsvSource, InfersFromAllRowsOfTheSampleThatParse) {
  const Outcome outcome = Read(
      "i,f,b,t,z,s,n\n"
      "1,1,true,2024-01-02,2024-01-02T00:00:00Z,x,\n"
      "ragged\n"
      ",\"2.5\",false,2024-01-02 03:04:05.123456789,2024-01-02T03:04:05+01:00,1,NA\n");
  EXPECT_EQ(TypesOf(*outcome.rows), "int64 double bool timestamp[ns] timestamp[ns] string string");
  const auto& times = dynamic_cast<const arrow::TimestampArray&>(*outcome.rows->column(3));
  EXPECT_EQ(times.Value(0), 1'704'153'600'000'000'000);
  EXPECT_EQ(times.Value(1), 1'704'164'645'123'456'789);
  const auto& zoned = dynamic_cast<const arrow::TimestampArray&>(*outcome.rows->column(4));
  EXPECT_EQ(zoned.Value(0), 1'704'153'600'000'000'000);
  EXPECT_EQ(zoned.Value(1), 1'704'161'045'000'000'000);
  EXPECT_EQ(outcome.rows->column(0)->null_count(), 1);
  EXPECT_EQ(outcome.rejects.size(), 1U);
}

TEST(CsvSource, ZonesMayBeMixed) {
  const Outcome outcome = Read("t\n2024-01-02T00:00:00Z\n2024-01-02T00:00:00\nno time\n",
                               {.types = {{"t", arrow::timestamp(arrow::TimeUnit::NANO)}}});
  ASSERT_EQ(outcome.rows->num_rows(), 2);
  const auto& times = dynamic_cast<const arrow::TimestampArray&>(*outcome.rows->column(0));
  EXPECT_EQ(times.Value(0), times.Value(1));
  EXPECT_EQ(outcome.rejects.size(), 1U);
}

TEST(CsvSource, NullsAreThoseOfTheColumnsKind) {
  const Outcome outcome = Read("s,x\n,\n\"\",\"\"\nNA,NA\nnull,nan\nA,1\n", {.types = {{"x", arrow::float64()}}});
  EXPECT_EQ(outcome.rows->column(0)->null_count(), 1);  // "" is an empty string, NA the name of a company.
  EXPECT_EQ(outcome.rows->column(1)->null_count(), 3);  // nan is a number that is none.
  const Outcome given = Read("s,x\n-,-\nA,1\n", {.nulls = {{"-"}}});
  EXPECT_EQ(given.rows->column(0)->null_count(), 1);
  EXPECT_EQ(TypesOf(*given.rows), "string int64");
  EXPECT_EQ(Read("s,x\n,\n", {.types = {{"x", arrow::int8()}}, .nulls = {{"-"}}}).Text(),
            std::vector<std::string>{"line 2: column 'x': '' is no int8 | ,"});
}

TEST(CsvSource, AnEmptyLineIsANullWhereThereIsOneColumn) {
  const Outcome outcome = Read("a\n1\n\n3\n");
  EXPECT_EQ(outcome.rows->column(0)->ToString(), "[\n  1,\n  null,\n  3\n]");
  EXPECT_EQ(Read("a,b\n1,2\n\n3,4\n").rows->num_rows(), 2);
}

TEST(CsvSource, LinesMayEndInAnyWay) {
  for (const std::string end : {"\n", "\r\n", "\r"}) {
    const Outcome outcome = Read("a,b" + end + "1,x" + end + "2,y");
    EXPECT_EQ(outcome.rows->num_rows(), 2);
    EXPECT_EQ(outcome.rows->column(1)->ToString(), "[\n  \"x\",\n  \"y\"\n]");
  }
  EXPECT_EQ(Read("\xEF\xBB\xBF"
                 "a,b\n1,2\n")
                .rows->schema()
                ->field(0)
                ->name(),
            "a");
}

TEST(CsvSource, AHeaderAloneIsATableWithoutRows) {
  const Outcome outcome = Read("a,b\n");
  EXPECT_EQ(outcome.rows->num_rows(), 0);
  EXPECT_EQ(TypesOf(*outcome.rows), "string string");
}

TEST(CsvSource, QuotedValuesMayHoldLineEndsWhereAsked) {
  const std::string bytes = "a,b\n\"one\ntwo\",1\n\"x\"\"y\",2\n\"not closed,3\n";
  const Outcome outcome = Read(bytes, {.newlines_in_values = true});
  EXPECT_EQ(outcome.rows->column(0)->ToString(), "[\n  \"one\ntwo\",\n  \"x\"y\"\n]");
  EXPECT_EQ(outcome.Text(), std::vector<std::string>{"line 5: a quote is not closed | \"not closed,3"});
  // Without being asked a line is a row: what follows a line end in quotes starts anew.
  const Outcome lines = Read(bytes, {.types = {{"b", arrow::int64()}}});
  EXPECT_EQ(lines.rows->column(0)->ToString(), "[\n  \"two\"\",\n  \"x\"y\"\n]");
  EXPECT_EQ(lines.Text(), (std::vector<std::string>{"line 2: a quote is not closed | \"one",
                                                    "line 5: a quote is not closed | \"not closed,3"}));
}

TEST(CsvSource, ReadsAPipe) {
  const TemporaryFolder folder;
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  std::thread writer([&] { std::ofstream(folder / "pipe") << "a,b\n1,2\n3,4\n"; });
  const auto source = ReadCsv(folder / "pipe").ValueOrDie();
  EXPECT_EQ(source->ToTable().ValueOrDie()->num_rows(), 2);
  EXPECT_EQ(source->done(), 1.0);  // Known only now.
  writer.join();
}

// --- Values. ---

// Good rows and all kinds of bad ones, in quotes and without, with all line ends.
std::string Mixed(uint64_t seed, int rows, bool newlines) {
  std::mt19937_64 random(seed);
  const std::vector<std::string> symbols = {"ES", "", "\"\"", "\"N,Q\"", "\"a\"\"b\"", "Z\"B", "\xC3\xA9", "\xC3"};
  const std::vector<std::string> prices = {"1.25", "", "-3e5", "nan", "\"7\"", "abc", " 5 ", "\"8"};
  const std::vector<std::string> ends = {"\n", "\n", "\n", "\r\n", "\r", "\n\n", "\r\n\r\n"};
  std::string bytes = "symbol,price,size\n";
  const auto pick = [&](const std::vector<std::string>& from, std::size_t usual) {
    return from[random() % 4 == 0 ? random() % from.size() : random() % usual];
  };
  for (int row = 0; row < rows; ++row) {
    bytes += pick(symbols, 2) + "," + pick(prices, 2) + ",";
    if (newlines && random() % 10 == 0) {
      bytes += "\"4\n2\"";
    } else {
      bytes += std::to_string(random() % 100);
    }
    if (random() % 20 == 0) bytes += ",more";
    bytes += pick(ends, 3);
  }
  return bytes;
}

TEST(CsvSource, RowsAndRejectsDoNotDependOnTheBlocks) {
  for (const bool newlines : {false, true}) {
    for (uint64_t seed = 0; seed < 6; ++seed) {
      CsvSourceOptions options = {.newlines_in_values = newlines,
                                  .types = {{"symbol", arrow::utf8()},
                                            {"price", arrow::float64()},
                                            {"size", newlines ? arrow::utf8() : arrow::int32()}},
                                  .block_bytes = 1 << 20};
      const TemporaryFolder folder;
      WriteBytes(folder / "a.csv", Mixed(seed, 400, newlines));
      const Outcome expected = ReadFile(folder / "a.csv", options);
      if (!newlines) {
        EXPECT_GT(expected.rows->num_rows(), 200);
        EXPECT_GT(expected.rejects.size(), 40U);
      }
      for (const int64_t block_bytes : {1, 64, 100, 1'000, 4'096}) {
        options.block_bytes = block_bytes;
        const Outcome outcome = ReadFile(folder / "a.csv", options);
        EXPECT_TRUE(outcome.rows->Equals(*expected.rows, arrow::EqualOptions().nans_equal(true))) << block_bytes;
        EXPECT_EQ(outcome.Text(), expected.Text()) << block_bytes;
      }
    }
  }
}

// A second, plain reading of the same rules: line by line, field by field.
TEST(CsvSource, FindsTheRowsThatAPlainReaderFinds) {
  const std::string bytes = Mixed(17, 2'000, false);
  const Outcome outcome =
      Read(bytes, {.types = {{"symbol", arrow::utf8()}, {"price", arrow::utf8()}, {"size", arrow::int32()}}});
  std::vector<std::string> sizes;
  std::size_t rejects = 0;
  std::string line;
  bool header = true;
  for (const char letter : bytes + "\n") {
    if (letter != '\n' && letter != '\r') {
      line += letter;
      continue;
    }
    if (!line.empty() && !std::exchange(header, false)) {
      std::vector<std::string> fields(1);
      bool quoted = false;
      for (std::size_t at = 0; at < line.size(); ++at) {
        if (quoted && line[at] == '"' && at + 1 < line.size() && line[at + 1] == '"') {
          fields.back() += line[++at];
        } else if (line[at] == '"' && (quoted || fields.back().empty())) {
          quoted = !quoted;
        } else if (line[at] == ',' && !quoted) {
          fields.emplace_back();
        } else {
          fields.back() += line[at];
        }
      }
      const bool good = fields.size() == 3 && !quoted && fields[0] != "\xC3";
      rejects += !good;
      if (good) sizes.push_back(fields[2]);
    }
    line.clear();
  }
  ASSERT_EQ(static_cast<std::size_t>(outcome.rows->num_rows()), sizes.size());
  EXPECT_EQ(outcome.rejects.size(), rejects);
  const auto& found = dynamic_cast<const arrow::Int32Array&>(*outcome.rows->column(2));
  for (std::size_t row = 0; row < sizes.size(); ++row) {
    ASSERT_EQ(std::to_string(found.Value(static_cast<int64_t>(row))), sizes[row]) << row;
  }
}

TEST(CsvSource, OptionsChooseColumnsTypesAndLetters) {
  const Outcome outcome = Read("1;'a;b';x\n2;c;y\n", {.delimiter = ';',
                                                      .quote = '\'',
                                                      .column_names = {"n", "s", "t"},
                                                      .columns = {"s", "n"},
                                                      .types = {{"n", arrow::float32()}}});
  EXPECT_EQ(outcome.rows->schema()->ToString(), "n: float\ns: string");
  EXPECT_EQ(outcome.rows->column(1)->ToString(), "[\n  \"a;b\",\n  \"c\"\n]");
  const Outcome dictionary = Read("s\nA\nB\nA\n", {.types = {{"s", arrow::dictionary(arrow::int32(), arrow::utf8())}}});
  EXPECT_EQ(TypesOf(*dictionary.rows), "dictionary<values=string, indices=int32, ordered=0>");
}

TEST(CsvSource, FilesContinueEachOther) {
  const TemporaryFolder folder;
  WriteBytes(folder / "a.csv", "x,y\n");
  WriteBytes(folder / "b.csv", "x,y\n1,2.5\n");
  WriteBytes(folder / "c.csv", "x,y\n2,3\n");
  const auto source = ReadCsv(folder / "").ValueOrDie();
  EXPECT_EQ(source->schema()->ToString(), "x: int64\ny: double");  // Of the first file with rows.
  EXPECT_EQ(source->ToTable().ValueOrDie()->num_rows(), 2);
  EXPECT_EQ(source->done(), 1.0);

  WriteBytes(folder / "d.csv", "x,z\n2,3\n");
  const auto status = ReadCsv(folder / "").ValueOrDie()->ToTable().status();
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kSchema);
  EXPECT_EQ(status.message(),
            "csv source '" + (folder / "d.csv") + "': column 2 is 'z: string', but 'y: double' in '" +
                (folder / "a.csv") +
                "'. Files of one source have the same columns: write it anew, or read it on its own.");
}

TEST(CsvSource, HoldsBlocksNotFiles) {
  std::string bytes = "a,b,c\n";
  for (int row = 0; row < 2'000'000; ++row) bytes += "1.25,2.25,3.25\n";
  const TemporaryFolder folder;
  WriteBytes(folder / "a.csv", bytes);
  const int64_t before = arrow::default_memory_pool()->bytes_allocated();
  const auto source = ReadCsv(folder / "a.csv").ValueOrDie();
  int64_t rows = 0;
  int64_t held_max = 0;
  double done = 0;
  while (const auto batch = source->Next().ValueOrDie()) {
    rows += batch->num_rows();
    held_max = std::max(held_max, arrow::default_memory_pool()->bytes_allocated() - before);
    EXPECT_GE(source->done().value(), done);
    done = source->done().value();
  }
  EXPECT_EQ(rows, 2'000'000);
  EXPECT_LE(held_max, 12'000'000);
}

}  // namespace
}  // namespace sabot::connectors
