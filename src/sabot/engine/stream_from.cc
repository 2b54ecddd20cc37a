// Where the rows of a stream come from.
#include <algorithm>
#include <atomic>
#include <utility>

#include "sabot/connectors/prefetch.h"
#include "sabot/data/errors.h"
#include "sabot/data/key_index.h"
#include "sabot/engine/stream.h"
#include "sabot/engine/stream_internal.h"
#include "sabot/operators/partition_check.h"

namespace sabot::engine {
namespace {

using internal::Difference;
using internal::Joined;

// Batches that are in memory, or that somebody else gives.
class ReaderSource : public connectors::Source {
 public:
  explicit ReaderSource(std::shared_ptr<arrow::RecordBatchReader> reader, int64_t rows = -1)
      : reader_(std::move(reader)), rows_(rows) {}
  std::shared_ptr<arrow::Schema> schema() const override { return reader_->schema(); }
  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* batch) override {
    ARROW_RETURN_NOT_OK(reader_->ReadNext(batch));
    if (*batch != nullptr) read_ += (*batch)->num_rows();
    return arrow::Status::OK();
  }
  arrow::Status Close() override { return reader_->Close(); }
  std::optional<double> done() const override {
    if (rows_ <= 0) return std::nullopt;
    return static_cast<double>(read_) / static_cast<double>(rows_);
  }

 protected:
  // What is left to read when so many rows were passed over.
  void GoOn(std::shared_ptr<arrow::RecordBatchReader> reader, int64_t skipped) {
    reader_ = std::move(reader);
    read_ += skipped;
  }

 private:
  std::shared_ptr<arrow::RecordBatchReader> reader_;
  int64_t rows_;  // -1: nobody knows.
  std::atomic<int64_t> read_ = 0;
};

class TableSource final : public ReaderSource {
 public:
  explicit TableSource(std::shared_ptr<arrow::Table> table)
      : ReaderSource(std::make_shared<arrow::TableBatchReader>(table), table->num_rows()), table_(std::move(table)) {}
  arrow::Result<int64_t> Skip(int64_t rows) override {
    const int64_t skipped = std::clamp<int64_t>(rows, 0, table_->num_rows());
    GoOn(std::make_shared<arrow::TableBatchReader>(table_->Slice(skipped)), skipped);
    return skipped;
  }

 private:
  std::shared_ptr<arrow::Table> table_;
};

constexpr std::size_t kFilePartitionsMax = 256;  // Each has a thread that reads ahead.
constexpr int kReadAhead = 4;                     // Batches of a file,
constexpr int kReadAheadAll = 16;                 // and of all partitions.

// How files of a format are found and read.
struct FileFormat {
  std::string name;
  std::function<arrow::Result<std::vector<connectors::InputFile>>(const std::vector<std::string>& paths)> find;
  std::function<arrow::Result<std::shared_ptr<connectors::Source>>(std::vector<connectors::InputFile> files,
                                                                   const std::shared_ptr<data::RejectLog>& rejects)>
      read;
};

// A source of files, which is opened once to learn its columns, and for each run behind a thread of its own.
arrow::Result<Stream> FromFiles(FileFormat format, const Paths& paths, std::string event_time) {
  const OpenSource open =
      [format,
       paths](const std::shared_ptr<data::RejectLog>& rejects) -> arrow::Result<std::shared_ptr<connectors::Source>> {
    ARROW_ASSIGN_OR_RAISE(auto files, format.find(paths));
    return format.read(std::move(files), rejects);
  };
  ARROW_ASSIGN_OR_RAISE(const auto source, open(std::make_shared<data::CountingRejects>()));
  return Stream::FromSource(format.name + " " + Joined(paths), source->schema(),
                            {.partitions = {[open](const std::shared_ptr<data::RejectLog>& rejects)
                                                -> arrow::Result<std::shared_ptr<connectors::Source>> {
                               ARROW_ASSIGN_OR_RAISE(auto opened, open(rejects));
                               return connectors::Prefetch(std::move(opened));
                             }},
                             .event_time = std::move(event_time),
                             .at_rest = true});
}

// The same with a source partition a file.
arrow::Result<Stream> FromPartitions(const FileFormat& format, const Paths& paths, std::string event_time,
                                     std::vector<std::string> partitioned_by) {
  const std::string who = format.name + " " + Joined(paths);
  ARROW_ASSIGN_OR_RAISE(auto files, format.find(paths));
  if (files.size() > kFilePartitionsMax) {
    return data::OptionError(who + ": with partitioned_by each file is a partition, of which there are at most " +
                             std::to_string(kFilePartitionsMax) + ", found " + std::to_string(files.size()) +
                             " files. Bring several keys into one file, read parts of the files and take the union, "
                             "or leave partitioned_by out: the files then continue one another.");
  }
  const int count = static_cast<int>(files.size());
  SourceStep step{.event_time = std::move(event_time), .at_rest = true, .partitioned_by = std::move(partitioned_by)};
  std::shared_ptr<arrow::Schema> schema;
  for (auto& file : files) {
    step.partition_names.push_back(file.name);
    const auto open = [format, file = std::move(file)](const std::shared_ptr<data::RejectLog>& rejects) {
      return format.read({file}, rejects);
    };
    ARROW_ASSIGN_OR_RAISE(const auto source, open(std::make_shared<data::CountingRejects>()));
    if (schema == nullptr) schema = source->schema();
    if (!schema->Equals(*source->schema(), /*check_metadata=*/false)) {
      return data::SchemaError(who + ": the columns of '" + step.partition_names.back() + "' are not those of '" +
                               step.partition_names.front() + "': " + Difference(*schema, *source->schema()) +
                               ". Write it anew" + (format.name == "csv" ? ", or give the types of both." : "."));
    }
    step.partitions.push_back([open, count](const std::shared_ptr<data::RejectLog>& rejects)
                                  -> arrow::Result<std::shared_ptr<connectors::Source>> {
      ARROW_ASSIGN_OR_RAISE(auto opened, open(rejects));
      return connectors::Prefetch(std::move(opened), {.batches_max = std::clamp(kReadAheadAll / count, 1, kReadAhead)});
    });
  }
  const std::string description = who + ", " + std::to_string(count) + (count == 1 ? " partition" : " partitions") +
                                  " by " + Joined(step.partitioned_by);
  return Stream::FromSource(description, std::move(schema), std::move(step));
}

arrow::Result<Stream> FromFiles(FileFormat format, const Paths& paths, std::string event_time,
                                std::vector<std::string> partitioned_by) {
  if (partitioned_by.empty()) return FromFiles(std::move(format), paths, std::move(event_time));
  return FromPartitions(format, paths, std::move(event_time), std::move(partitioned_by));
}

bool HoldsTime(const arrow::DataType& type) {
  return type.id() == arrow::Type::TIMESTAMP || type.id() == arrow::Type::INT64;
}

}  // namespace

arrow::Result<Stream> Stream::FromSource(std::string description, std::shared_ptr<arrow::Schema> schema,
                                         SourceStep step) {
  const int event_time = schema->GetFieldIndex(step.event_time);
  if (event_time >= 0 && !HoldsTime(*schema->field(event_time)->type())) {
    if (step.event_time != "timestamp") {
      return data::SchemaError(description + ": event_time='" + step.event_time + "' is " +
                               schema->field(event_time)->type()->ToString() +
                               ", expected a timestamp or int64 nanoseconds.");
    }
    step.event_time.clear();  // Nobody asked for it: the rows have no event time.
  }
  if (event_time < 0 && !step.event_time.empty() && step.event_time != "timestamp") {
    return data::SchemaError(description + ": event_time='" + step.event_time + "' is no column." +
                             data::NearestNames(step.event_time, schema->field_names()));
  }
  const std::vector<std::string> by = step.partitioned_by;
  const int partitions = static_cast<int>(step.partitions.size());
  const operators::PartitionCheckOptions check{.by = by, .source = description, .partitions = step.partition_names};
  Stream stream(std::make_shared<Plan>(
      Plan{.description = std::move(description), .schema = std::move(schema), .step = std::move(step)}));
  if (by.empty()) return stream;
  if (const auto keys = data::KeyIndex::Make(*stream.schema(), by).status(); !keys.ok()) {
    return keys.WithMessage("partitioned_by: ", keys.message());
  }
  if (partitions == 1) return stream;
  return stream.Apply(
      "check that no " + Joined(by) + " is in two partitions",
      {.make =
           [check](const operators::OperatorContext& context) -> arrow::Result<std::unique_ptr<operators::Operator>> {
         return std::make_unique<operators::PartitionCheck>(check, context);
       },
       .type = "partition_check",
       .keeps_columns = true,
       .by_partition = true});
}

arrow::Result<Stream> Stream::FromParquet(const Paths& paths, connectors::ParquetSourceOptions options,
                                          std::string event_time, std::vector<std::string> partitioned_by) {
  return FromFiles({.name = "parquet",
                    .find = connectors::FindParquetFiles,
                    .read =
                        [options = std::move(options)](auto files, const std::shared_ptr<data::RejectLog>&) {
                          return connectors::ReadParquetFiles(std::move(files), options);
                        }},
                   paths, std::move(event_time), std::move(partitioned_by));
}

arrow::Result<Stream> Stream::FromCsv(const Paths& paths, connectors::CsvSourceOptions options, std::string event_time,
                                      std::vector<std::string> partitioned_by) {
  return FromFiles({.name = "csv",
                    .find = connectors::FindCsvFiles,
                    .read =
                        [options = std::move(options)](auto files, const std::shared_ptr<data::RejectLog>& rejects) {
                          auto with_log = options;
                          with_log.rejects = rejects;
                          return connectors::ReadCsvFiles(std::move(files), std::move(with_log));
                        }},
                   paths, std::move(event_time), std::move(partitioned_by));
}

arrow::Result<Stream> Stream::FromIpc(const Paths& paths, connectors::IpcSourceOptions options, std::string event_time,
                                      std::vector<std::string> partitioned_by) {
  return FromFiles({.name = "ipc",
                    .find = connectors::FindIpcFiles,
                    .read =
                        [options = std::move(options)](auto files, const std::shared_ptr<data::RejectLog>&) {
                          return connectors::ReadIpcFiles(std::move(files), options);
                        }},
                   paths, std::move(event_time), std::move(partitioned_by));
}

arrow::Result<Stream> Stream::FromGenerator(const connectors::TickGeneratorOptions& options) {
  ARROW_ASSIGN_OR_RAISE(const auto reader, connectors::GenerateTicks(options));
  return FromSource("generator " + options.kind + " rows=" + std::to_string(options.rows) +
                        " symbols=" + std::to_string(options.symbols) + " seed=" + std::to_string(options.seed),
                    reader->schema(),
                    {.partitions = {[options](const auto&) -> arrow::Result<std::shared_ptr<connectors::Source>> {
                       ARROW_ASSIGN_OR_RAISE(auto ticks, connectors::GenerateTicks(options));
                       return std::make_shared<ReaderSource>(std::move(ticks), options.rows);
                     }},
                     .at_rest = true});
}

arrow::Result<Stream> Stream::FromTable(std::shared_ptr<arrow::Table> table, std::string event_time) {
  auto schema = table->schema();
  const int64_t rows = table->num_rows();
  return FromSource(
      "table rows=" + std::to_string(rows), std::move(schema),
      {.partitions = {[table = std::move(table)](const auto&) -> arrow::Result<std::shared_ptr<connectors::Source>> {
         return std::make_shared<TableSource>(table);
       }},
       .event_time = std::move(event_time),
       .at_rest = true});
}

arrow::Result<Stream> Stream::FromReader(std::shared_ptr<arrow::RecordBatchReader> reader, std::string event_time) {
  auto schema = reader->schema();
  auto used = std::make_shared<std::atomic<bool>>(false);
  return FromSource("reader", std::move(schema),
                    {.partitions = {[reader = std::move(reader),
                                     used](const auto&) -> arrow::Result<std::shared_ptr<connectors::Source>> {
                       if (used->exchange(true)) {
                         return data::DataError(
                             "the stream's reader was read by an earlier run. Make a new stream from a new reader, "
                             "or begin with a table or a file, which can be read again.");
                       }
                       return std::make_shared<ReaderSource>(reader);
                     }},
                     .event_time = std::move(event_time),
                     .on_caller = true,  // Nobody knows what it waits for.
                     .once = true});
}

}  // namespace sabot::engine
