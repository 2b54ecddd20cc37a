// A run that is cut off anywhere and goes on leaves the files that it would have left undisturbed.
#include <arrow/util/io_util.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>

#include "sabot/connectors/csv_sink.h"
#include "sabot/connectors/ipc_sink.h"
#include "sabot/connectors/parquet_sink.h"
#include "sabot/connectors/write_behind.h"
#include "sabot/data/errors.h"
#include "sabot/env/storage.h"
#include "tests/connectors/sample_rows.h"
#include "tests/connectors/temporary_folder.h"

namespace sabot::connectors {
namespace {

using data::ErrorKind;
using data::KindOf;
using Files = std::map<std::string, std::string>;

constexpr int64_t kRows = 1'000;
constexpr int64_t kBatchRows = 130;

struct Where {
  int64_t rows_per_file = 0;
  std::optional<int64_t> resume_at = std::nullopt;
  std::shared_ptr<env::Storage> storage = nullptr;
};
using SchemaPtr = std::shared_ptr<arrow::Schema>;
using OpenedSink = arrow::Result<std::unique_ptr<Sink>>;
using OpenedSinks = arrow::Result<std::vector<std::unique_ptr<Sink>>>;

struct Format {
  std::string suffix;
  std::function<OpenedSink(const std::string& path, const SchemaPtr&, const Where&)> open;
  std::function<OpenedSinks(const std::string& folder, const SchemaPtr&, const Where&, int partitions)> open_parts;
};

ParquetSinkOptions ParquetAt(const Where& where) {
  return {.row_group_rows = 300,
          .rows_per_file = where.rows_per_file,
          .resume_at = where.resume_at,
          .storage = where.storage};
}
CsvSinkOptions CsvAt(const Where& where) {
  return {.rows_per_file = where.rows_per_file, .resume_at = where.resume_at, .storage = where.storage};
}
IpcSinkOptions IpcAt(const Where& where) {
  return {
      .batch_rows = 300, .rows_per_file = where.rows_per_file, .resume_at = where.resume_at, .storage = where.storage};
}

const Format kFormats[] = {
    {".parquet",
     [](const auto& path, const auto& schema, const auto& where) {
       return OpenParquetSink(path, schema, ParquetAt(where));
     },
     [](const auto& path, const auto& schema, const auto& where, int partitions) {
       return OpenParquetSinks(path, schema, ParquetAt(where), partitions);
     }},
    {".csv",
     [](const auto& path, const auto& schema, const auto& where) { return OpenCsvSink(path, schema, CsvAt(where)); },
     [](const auto& path, const auto& schema, const auto& where, int partitions) {
       return OpenCsvSinks(path, schema, CsvAt(where), partitions);
     }},
    {".arrow",
     [](const auto& path, const auto& schema, const auto& where) { return OpenIpcSink(path, schema, IpcAt(where)); },
     [](const auto& path, const auto& schema, const auto& where, int partitions) {
       return OpenIpcSinks(path, schema, IpcAt(where), partitions);
     }},
};

BatchPtr Rows() { return SampleTicks(kRows, /*dictionary_symbols=*/false)->SelectColumns({0, 1, 3}).ValueOrDie(); }

// Gives all of `rows` in batches, as far as the sink takes them, and does not close it.
arrow::Status Give(Sink& sink, const BatchPtr& rows) {
  for (int64_t row = 0; row < rows->num_rows(); row += kBatchRows) {
    ARROW_RETURN_NOT_OK(sink.Write(rows->Slice(row, kBatchRows)));
  }
  return arrow::Status::OK();
}

Files FilesIn(const std::string& folder) {
  Files files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    files[entry.path().filename().string()] = BytesOf(entry.path().string());
  }
  return files;
}

// What is on a disk in memory in the folder "out".
Files FilesOf(const env::SimulatedStorage& disk) {
  Files files;
  for (const auto& [path, bytes] : disk.files()) files[path.substr(4)] = bytes;
  return files;
}

// What an undisturbed run leaves of `rows`.
Files Undisturbed(const Format& format, const BatchPtr& rows, int64_t rows_per_file) {
  const auto disk = env::MakeSimulatedStorage(int64_t{1} << 30);
  const Where where = {.rows_per_file = rows_per_file, .storage = disk};
  WriteAll(*format.open("out", rows->schema(), where).ValueOrDie(), rows, 77);
  return FilesOf(*disk);
}

// --- Wrong use. ---

TEST(ResumedSink, RefusesRowsThatEndNoFile) {
  const TemporaryFolder folder;
  const auto schema = Rows()->schema();
  const auto message = [&](const Format& format, const Where& where) {
    const auto status = format.open(folder / "out", schema, where).status();
    EXPECT_EQ(KindOf(status), ErrorKind::kOption) << status;
    return status.message();
  };
  for (const Format& format : kFormats) {
    EXPECT_NE(message(format, {.rows_per_file = 400, .resume_at = 500})
                  .find("resume_at is 500, which is no end of a file of 400 rows. Use a multiple of rows_per_file."),
              std::string::npos);
    EXPECT_NE(message(format, {.rows_per_file = 400, .resume_at = -400}).find("resume_at is -400. Use 0, or"),
              std::string::npos);
    EXPECT_NE(message(format, {.resume_at = 400}).find("resume_at is 400, but all rows are in one file"),
              std::string::npos);
    const auto parts = format.open_parts(folder / "out", schema, {.resume_at = 400}, 2).status();
    EXPECT_EQ(KindOf(parts), ErrorKind::kOption);
    EXPECT_NE(parts.message().find("resume_at is 400, but files of partitions are complete at their end only. Use 0."),
              std::string::npos)
        << parts;
  }
  EXPECT_TRUE(folder.empty());
}

TEST(ResumedSink, NamesAFileThatIsMissing) {
  for (const Format& format : kFormats) {
    const TemporaryFolder folder;
    const auto resume = [&](int64_t at) {
      return format.open(folder / "out", Rows()->schema(), {.rows_per_file = 100, .resume_at = at}).status();
    };
    EXPECT_EQ(KindOf(resume(100)), ErrorKind::kData);
    EXPECT_NE(resume(std::numeric_limits<int64_t>::max() / 100 * 100).message().find("part-00000"), std::string::npos);
    EXPECT_TRUE(folder.empty()) << "nothing is made for a run that cannot go on";
    WriteAll(*format.open(folder / "out", Rows()->schema(), {.rows_per_file = 100}).ValueOrDie(), Rows(), 77);
    std::filesystem::remove(folder / "out/part-00003" + format.suffix);
    WriteBytes(folder / "out/part-00009" + format.suffix + ".1-1.partial", "begun");
    const Files before = FilesIn(folder / "out");
    const auto status = resume(500);
    EXPECT_EQ(KindOf(status), ErrorKind::kData) << status;
    EXPECT_NE(status.message().find("'" + (folder / "out/part-00003") + format.suffix +
                                    "' is missing, but the first 5 files of the run that is to go on must be there."),
              std::string::npos)
        << status;
    EXPECT_EQ(status.message().find(format.suffix == ".arrow" ? "ipc sink '" : format.suffix.substr(1) + " sink '"), 0U)
        << status;
    EXPECT_EQ(FilesIn(folder / "out"), before);
  }
}

TEST(ResumedSink, RemovesNothingBeforeTheColumnsAreKnownToFit) {
  const TemporaryFolder folder;
  const auto schema = arrow::schema({arrow::field("a", arrow::dense_union({arrow::field("b", arrow::int8())}))});
  for (const Format& format : {kFormats[0], kFormats[1]}) {
    WriteAll(*format.open(folder / "out", Rows()->schema(), {.rows_per_file = 400}).ValueOrDie(), Rows(), 77);
    const Files before = FilesIn(folder / "out");
    for (const int64_t at : {0, 400}) {
      EXPECT_EQ(KindOf(format.open(folder / "out", schema, {.rows_per_file = 400, .resume_at = at}).status()),
                ErrorKind::kSchema);
    }
    EXPECT_EQ(FilesIn(folder / "out"), before);
  }
}

TEST(ResumedSink, RefusesPartsThatAreNotItsOwn) {
  const auto refused = [](const Format& format, const std::string& name, const Where& where, int partitions) {
    const TemporaryFolder folder;
    WriteBytes(folder / name, "somebody's");
    const auto status = partitions == 0 ? format.open(folder / "", Rows()->schema(), where).status()
                                        : format.open_parts(folder / "", Rows()->schema(), where, partitions).status();
    EXPECT_EQ(FilesIn(folder / ""), (Files{{name, "somebody's"}}));
    EXPECT_EQ(arrow::internal::ErrnoFromStatus(status), EEXIST) << status;
    EXPECT_NE(status.message().find("the folder holds '" + name + "' already."), std::string::npos) << status;
  };
  for (const Format& format : kFormats) {
    for (const std::string name : {"part-0000", "part-000000", "part-", "part-0000x", "part-00000.old"}) {
      refused(format, name + format.suffix, {.rows_per_file = 400, .resume_at = 0}, 0);
      refused(format, name + format.suffix, {.resume_at = 0}, 2);
    }
    refused(format, "part-00002" + format.suffix, {.resume_at = 0}, 2);
    refused(format, "part-00000" + format.suffix, {}, 2);
    refused(format, "part-00000" + format.suffix, {.rows_per_file = 400}, 0);
  }
}

// --- Edges. ---

TEST(ResumedSink, CountsRowsThatAreDurable) {
  for (const Format& format : kFormats) {
    const TemporaryFolder folder;
    const BatchPtr rows = Rows();
    const auto whole = format.open(folder / "whole", rows->schema(), {}).ValueOrDie();
    ASSERT_TRUE(whole->Write(rows).ok());
    ASSERT_TRUE(whole->Finish().ok());
    EXPECT_EQ(whole->rows_durable(), 0);
    ASSERT_TRUE(whole->Close().ok());
    EXPECT_EQ(whole->rows_durable(), kRows);

    const auto cut =
        WriteBehind(format.open(folder / "cut", rows->schema(), {.rows_per_file = 400}).ValueOrDie()).ValueOrDie();
    ASSERT_TRUE(cut->Write(rows).ok());
    ASSERT_TRUE(cut->Finish().ok());
    EXPECT_EQ(cut->rows_written(), kRows);
    EXPECT_EQ(cut->rows_durable(), 800);
    ASSERT_TRUE(cut->Close().ok());
    EXPECT_EQ(cut->rows_durable(), kRows);

    const auto more = format.open(folder / "cut", rows->schema(), {.rows_per_file = 400, .resume_at = 800});
    ASSERT_TRUE((*more)->Write(rows->Slice(0, 500)).ok());
    EXPECT_EQ((*more)->rows_written(), 500) << "its own only";
    EXPECT_EQ((*more)->rows_durable(), 400);
  }
}

TEST(ResumedSink, LeavesNoFileBehindAFullOne) {
  for (const Format& format : kFormats) {
    const TemporaryFolder folder;
    const BatchPtr rows = Rows()->Slice(0, 800);
    const Files expected = Undisturbed(format, rows, 400);
    EXPECT_EQ(expected.size(), 2U);
    const auto sink = format.open(folder / "out", rows->schema(), {.rows_per_file = 400}).ValueOrDie();
    ASSERT_TRUE(Give(*sink, rows).ok());
    EXPECT_EQ(sink->rows_durable(), 800);
    const auto resumed = format.open(folder / "out", rows->schema(), {.rows_per_file = 400, .resume_at = 800});
    ASSERT_TRUE((*resumed)->Write(rows->Slice(0, 0)).ok());
    ASSERT_TRUE((*resumed)->Close().ok());
    EXPECT_EQ((*resumed)->rows_durable(), 0);
    EXPECT_EQ(FilesIn(folder / "out"), expected);
    const BatchPtr none = rows->Slice(0, 0);
    WriteAll(*format.open(folder / "out", rows->schema(), {.rows_per_file = 400, .resume_at = 0}).ValueOrDie(), none,
             1);
    EXPECT_EQ(FilesIn(folder / "out"), Undisturbed(format, none, 400)) << "no rows at all are a file with a schema";
  }
}

TEST(ResumedSink, RemovesWhatWasBegunAndNothingElse) {
  for (const Format& format : kFormats) {
    const TemporaryFolder folder;
    std::filesystem::create_directory(folder / "out");
    const std::string part = "part-00001" + format.suffix;
    for (const std::string& name :
         {part + ".partial", part + ".7.partial", part + ".7-.partial", part + ".7-8.partial.gz", "x" + part,
          std::string("other.7-8.partial"), "part-1" + format.suffix + ".7-8.partial", std::string("part-00001.txt")}) {
      WriteBytes(folder / ("out/" + name), "somebody's");
    }
    Files expected = FilesIn(folder / "out");
    EXPECT_EQ(expected.size(), 8U);
    for (const std::string& name : {part + ".7-8.partial", "part-00077" + format.suffix + ".12345-1.partial"}) {
      WriteBytes(folder / ("out/" + name), "begun");
    }
    WriteAll(*format.open(folder / "out", Rows()->schema(), {.rows_per_file = 400, .resume_at = 0}).ValueOrDie(),
             Rows(), 77);
    expected.merge(Undisturbed(format, Rows(), 400));
    EXPECT_EQ(FilesIn(folder / "out"), expected);
  }
}

TEST(ResumedSink, ReplacesOneFileAtItsEnd) {
  for (const Format& format : kFormats) {
    const TemporaryFolder folder;
    const std::string name = "a" + format.suffix;
    WriteAll(*format.open(folder / name, Rows()->schema(), {}).ValueOrDie(), Rows(), 77);
    const std::string expected = BytesOf(folder / name);
    WriteBytes(folder / name, "older");
    WriteBytes(folder / name + ".7-8.partial", "begun");
    WriteBytes(folder / "b" + name + ".7-8.partial", "somebody's");
    WriteBytes(folder / name + ".partial", "somebody's");
    const auto sink = format.open(folder / name, Rows()->schema(), {.resume_at = 0}).ValueOrDie();
    EXPECT_FALSE(std::filesystem::exists(folder / name + ".7-8.partial"));
    EXPECT_EQ(BytesOf(folder / name), "older");
    WriteAll(*sink, Rows(), 77);
    EXPECT_EQ(
        FilesIn(folder / ""),
        (Files{{name, expected}, {"b" + name + ".7-8.partial", "somebody's"}, {name + ".partial", "somebody's"}}));
  }
}

TEST(ResumedSink, ReplacesFilesOfPartitions) {
  for (const Format& format : kFormats) {
    const TemporaryFolder folder;
    const auto write = [&](const std::string& name, const Where& where) {
      auto sinks = format.open_parts(folder / name, Rows()->schema(), where, 3).ValueOrDie();
      for (std::size_t at = 0; at < 3; ++at) {
        EXPECT_TRUE(sinks[at]->Write(Rows()->Slice(static_cast<int64_t>(at) * 100, 100)).ok());
      }
      for (auto& sink : sinks) EXPECT_TRUE(sink->Close().ok());
    };
    write("expected", {});
    std::filesystem::create_directory(folder / "out");
    WriteBytes(folder / "out/part-00001" + format.suffix, "of a run that ended in between");
    WriteBytes(folder / "out/part-00002" + format.suffix + ".7-8.partial", "begun");
    WriteBytes(folder / "out/notes.txt", "somebody's");
    write("out", {.resume_at = 0});
    EXPECT_EQ(BytesOf(folder / "out/notes.txt"), "somebody's");
    std::filesystem::remove(folder / "out/notes.txt");
    EXPECT_EQ(FilesIn(folder / "out"), FilesIn(folder / "expected"));
    write("new", {.resume_at = 0});
    EXPECT_EQ(FilesIn(folder / "new"), FilesIn(folder / "expected"));
  }
}

// --- Values. ---

TEST(ResumedSink, GoesOnOnADisk) {
  const BatchPtr rows = Rows();
  for (const Format& format : kFormats) {
    const TemporaryFolder folder;
    auto sink = format.open(folder / "out", rows->schema(), {.rows_per_file = 300}).ValueOrDie();
    ASSERT_TRUE(Give(*sink, rows->Slice(0, 700)).ok());
    sink = format.open(folder / "out/", rows->schema(), {.rows_per_file = 300, .resume_at = 600}).ValueOrDie();
    WriteAll(*sink, rows->Slice(600), 33);
    EXPECT_EQ(FilesIn(folder / "out"), Undisturbed(format, rows, 300));
  }
}

TEST(ResumedSink, GoesOnAfterAnyRow) {
  const BatchPtr rows = Rows();
  for (const Format& format : kFormats) {
    for (const int64_t rows_per_file : {100, 250, 400}) {
      const Files expected = Undisturbed(format, rows, rows_per_file);
      for (int64_t given = 0; given <= kRows; given += 50) {
        const auto disk = env::MakeSimulatedStorage(int64_t{1} << 30);
        Where where = {.rows_per_file = rows_per_file, .storage = disk};
        auto sink = format.open("out", rows->schema(), where).ValueOrDie();
        ASSERT_TRUE(Give(*sink, rows->Slice(0, given)).ok());
        const int64_t durable = sink->rows_durable();
        EXPECT_EQ(durable, given / rows_per_file * rows_per_file);
        sink = nullptr;
        // Its place may be that of an older checkpoint, too.
        const int64_t at = given % 100 == 0 ? durable : durable / 2 / rows_per_file * rows_per_file;
        where.resume_at = at;
        const auto resumed = format.open("out", rows->schema(), where);
        ASSERT_TRUE(resumed.ok()) << resumed.status();
        EXPECT_EQ(disk->files().size(), static_cast<std::size_t>(at / rows_per_file));
        WriteAll(**resumed, rows->Slice(at), 33);
        EXPECT_EQ((*resumed)->rows_written(), kRows - at);
        EXPECT_EQ((*resumed)->rows_durable(), kRows - at);
        EXPECT_EQ(FilesOf(*disk), expected) << format.suffix << ", " << given << " of " << rows_per_file;
      }
    }
  }
}

// The power fails at each operation in turn, and once more while the run goes on: whatever was said to be durable is,
// and the third run leaves what one run would have left.
TEST(ResumedSink, GoesOnAfterAnyFailure) {
  const BatchPtr rows = Rows();
  for (const Format& format : kFormats) {
    for (const int64_t rows_per_file : {0, 400, 500}) {
      for (const bool tears : {false, true}) {
        const auto disk = env::MakeSimulatedStorage(int64_t{1} << 30);
        // From `resume_at` on until the power fails: whether it did not. Then `resume_at` is where the next one begins.
        const auto run = [&](const std::shared_ptr<env::SimulatedStorage>& storage, std::optional<int64_t>& resume_at) {
          const auto sink = format.open("out", rows->schema(),
                                        {.rows_per_file = rows_per_file, .resume_at = resume_at, .storage = storage});
          const int64_t begin = resume_at.value_or(0);
          resume_at = begin;
          if (!sink.ok()) return false;
          const bool whole = Give(**sink, rows->Slice(begin)).ok() && (*sink)->Close().ok();
          resume_at = begin + (*sink)->rows_durable();
          return whole;
        };
        std::optional<int64_t> whole;
        ASSERT_TRUE(run(disk, whole));
        EXPECT_EQ(whole, kRows);
        const Files expected = disk->files();
        const int64_t operations = disk->operations();
        for (int64_t first = 0; first < operations; ++first) {
          const int64_t second = first * 7 % operations;
          const auto storage = env::MakeSimulatedStorage(int64_t{1} << 30);
          std::optional<int64_t> resume_at;
          storage->FailAfter(first, tears);
          EXPECT_FALSE(run(storage, resume_at));
          storage->Restart();
          storage->FailAfter(second, tears);
          const int64_t before = *resume_at;
          const bool done = run(storage, resume_at);
          storage->Restart();
          ASSERT_GE(*resume_at, before);
          ASSERT_TRUE(done || run(storage, resume_at));
          ASSERT_EQ(storage->files(), expected)
              << format.suffix << ", " << rows_per_file << " rows a file, power cut at " << first << ", " << second;
        }
      }
    }
  }
}

}  // namespace
}  // namespace sabot::connectors
