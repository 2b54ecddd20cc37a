#include "sabot/connectors/ipc_source.h"

#include <arrow/io/file.h>
#include <arrow/ipc/writer.h>
#include <arrow/util/io_util.h>
#include <gtest/gtest.h>

#include <cerrno>

#include "sabot/connectors/ipc_sink.h"
#include "sabot/data/errors.h"
#include "tests/connectors/sample_rows.h"
#include "tests/connectors/temporary_folder.h"

namespace sabot::connectors {
namespace {

void WriteFile(const std::string& path, const BatchPtr& rows, bool stream, int64_t batch_rows) {
  const auto file = arrow::io::FileOutputStream::Open(path).ValueOrDie();
  const auto writer = stream ? arrow::ipc::MakeStreamWriter(file, rows->schema()).ValueOrDie()
                             : arrow::ipc::MakeFileWriter(file, rows->schema()).ValueOrDie();
  for (int64_t row = 0; row < rows->num_rows(); row += batch_rows) {
    ARROW_CHECK_OK(writer->WriteRecordBatch(*rows->Slice(row, batch_rows)));
  }
  ARROW_CHECK_OK(writer->Close());
  ARROW_CHECK_OK(file->Close());
}

arrow::Status ReadStatus(const std::string& path) {
  const auto source = ReadIpc(path);
  return source.ok() ? (*source)->ToTable().status() : source.status();
}

// --- Wrong use. ---

TEST(IpcSource, SaysWhatIsWrongWithAFile) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.arrow";
  EXPECT_EQ(arrow::internal::ErrnoFromStatus(ReadStatus(path)), ENOENT);
  const auto expect = [&](const std::string& bytes, const std::string& message) {
    WriteBytes(path, bytes);
    const auto status = ReadStatus(path);
    EXPECT_EQ(data::KindOf(status), data::ErrorKind::kData) << status;
    EXPECT_EQ(status.message(), "ipc source '" + path + "': " + message);
  };
  expect("", "the file is empty (0 bytes). Fetch or write it again.");
  expect("symbol,price\n",
         "this is no Arrow IPC file: its 13 bytes begin neither as a file nor as a stream of Arrow's. Name a file that "
         "was written as Arrow IPC.");
  expect("FEA1....", "this is Feather version 1, which is read no more. Write it as version 2.");
}

TEST(IpcSource, NamesColumnsLikeTheMissingOne) {
  const TemporaryFolder folder;
  WriteFile(folder / "a.arrow", SampleTicks(10), false, 10);
  const auto status = ReadIpc(folder / "a.arrow", {.columns = {"prise"}}).status();
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kSchema);
  EXPECT_NE(status.message().find("column 'prise' is missing. Nearest names: 'price'."), std::string::npos) << status;
  EXPECT_EQ(data::KindOf(ReadIpc(folder / "a.arrow", {.batch_rows = 0}).status()), data::ErrorKind::kOption);
}

// Whatever happens to its bytes: an error or rows, and no crash.
TEST(IpcSource, DamagedFilesAreErrors) {
  const TemporaryFolder folder;
  const std::string path = folder / "a.arrow";
  for (const bool stream : {false, true}) {
    WriteFile(path, SampleTicks(200), stream, 70);
    const std::string bytes = BytesOf(path);
    int errors = 0;
    for (std::size_t size = 1; size < bytes.size(); size += 97) {
      WriteBytes(path, bytes.substr(0, size));
      const auto status = ReadStatus(path);
      errors += !status.ok();
      EXPECT_TRUE(status.ok() || data::KindOf(status) == data::ErrorKind::kData) << size << ": " << status;
    }
    EXPECT_GT(errors, static_cast<int>(bytes.size() / 97) - 6);  // A stream may end after any message.
    for (std::size_t at = 0; at < bytes.size(); at += 13) {
      std::string damaged = bytes;
      damaged[at] = static_cast<char>(damaged[at] ^ 0x55);
      WriteBytes(path, damaged);
      const auto status = ReadStatus(path);
      EXPECT_TRUE(status.ok() || status.IsOutOfMemory() || data::KindOf(status) == data::ErrorKind::kData) << status;
    }
  }
}

TEST(IpcSource, FilesOfOneSourceHaveTheSameColumns) {
  const TemporaryFolder folder;
  WriteFile(folder / "a.arrow", SampleTicks(10), false, 10);
  WriteFile(folder / "b.arrow", SampleTicks(10, /*dictionary_symbols=*/false), false, 10);
  const auto source = ReadIpc(folder / "").ValueOrDie();
  EXPECT_EQ(source->Next().ValueOrDie()->num_rows(), 10);
  const auto status = source->Next().status();
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kSchema);
  EXPECT_EQ(status.message(), "ipc source '" + (folder / "b.arrow") +
                                  "': column 1 is 'symbol: string', but 'symbol: dictionary<values=string, "
                                  "indices=int32, ordered=0>' in '" +
                                  (folder / "a.arrow") +
                                  "'. Files of one source have the same columns: write it anew, or read it on its "
                                  "own.");
}

// --- Values. ---

TEST(IpcSource, RowsComeBackFromBothFormats) {
  const TemporaryFolder folder;
  const BatchPtr rows = SampleTicks(1'000);
  for (const bool stream : {false, true}) {
    for (const int64_t written : {1, 300, 1'000}) {
      WriteFile(folder / "a.arrow", rows, stream, written);
      for (const int64_t batch_rows : {1, 64, 5'000}) {
        const auto source = ReadIpc(folder / "a.arrow", {.batch_rows = batch_rows}).ValueOrDie();
        EXPECT_TRUE(AllRows(*source)->Equals(*rows));
        EXPECT_EQ(source->done(), 1.0);
      }
      const auto source = ReadIpc(folder / "a.arrow", {.columns = {"bid", "symbol"}}).ValueOrDie();
      EXPECT_EQ(source->schema()->field_names(), (std::vector<std::string>{"symbol", "bid"}));
      EXPECT_TRUE(AllRows(*source)->column(1)->Equals(rows->GetColumnByName("bid")));
    }
  }
}

TEST(IpcSource, NoRowsAreAStreamWithASchema) {
  const TemporaryFolder folder;
  for (const bool stream : {false, true}) {
    WriteFile(folder / "a.arrow", SampleTicks(0), stream, 1);
    const auto source = ReadIpc(folder / "a.arrow").ValueOrDie();
    EXPECT_EQ(source->schema()->num_fields(), 10);
    EXPECT_EQ(source->Next().ValueOrDie(), nullptr);
  }
}

}  // namespace
}  // namespace sabot::connectors
