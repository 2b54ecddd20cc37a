#include "sabot/engine/stream.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <utility>

#include "sabot/connectors/prefetch.h"
#include "sabot/connectors/write_behind.h"
#include "sabot/data/errors.h"
#include "sabot/engine/flow.h"
#include "sabot/operators/filter.h"
#include "sabot/operators/project.h"

namespace sabot::engine {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kProgressEvery = std::chrono::milliseconds(100);

// Batches that are in memory, or that somebody else gives.
class ReaderSource final : public connectors::Source {
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

 private:
  std::shared_ptr<arrow::RecordBatchReader> reader_;
  int64_t rows_;  // -1: nobody knows.
  std::atomic<int64_t> read_ = 0;
};

// The rows of a flow as Arrow knows a source of batches.
class FlowReader final : public arrow::RecordBatchReader {
 public:
  FlowReader(PlanPtr plan, RunContext context) : plan_(std::move(plan)), context_(std::move(context)) {}

  arrow::Status Open() {
    const env::InterruptScope scope(*context_.interrupt);
    ARROW_ASSIGN_OR_RAISE(running_, MakeFlow(*plan_, context_));
    return arrow::Status::OK();
  }
  std::shared_ptr<arrow::Schema> schema() const override { return plan_->schema; }
  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* out) override {
    *out = nullptr;
    if (running_.flow == nullptr) return arrow::Status::OK();
    const env::InterruptScope scope(*context_.interrupt);
    ARROW_ASSIGN_OR_RAISE(auto batch, running_.flow->Next());
    if (batch) {
      *out = std::move(batch->rows);
      return arrow::Status::OK();
    }
    return Close();
  }
  arrow::Status Close() override {
    running_.flow = nullptr;  // Threads end, files are closed.
    return arrow::Status::OK();
  }
  RunProgress progress() const {
    return {.rows_read = running_.counters->all_rows_read(),
            .rows_rejected = context_.rejects->count(),
            .done = running_.counters->done()};
  }
  const RunContext& context() const { return context_; }
  std::map<std::string, std::shared_ptr<arrow::Table>> reports() const { return running_.counters->reports; }

 private:
  PlanPtr plan_;
  RunContext context_;
  RunningFlow running_;
};

arrow::Result<std::shared_ptr<FlowReader>> OpenFlow(const PlanPtr& plan, RunContext context) {
  auto reader = std::make_shared<FlowReader>(plan, std::move(context));
  ARROW_RETURN_NOT_OK(reader->Open());
  return reader;
}

std::string Named(const std::vector<operators::NamedExpression>& columns) {
  std::string text;
  for (const auto& [name, expression] : columns) {
    const std::string made = operators::ToString(*expression);
    text += (text.empty() ? "" : ", ") + (name.empty() || name == made ? made : name + " = " + made);
  }
  return text;
}

// What makes two schemas differ, in words; metadata does not count.
std::string Difference(const arrow::Schema& wanted, const arrow::Schema& found) {
  for (int i = 0; i < std::min(wanted.num_fields(), found.num_fields()); ++i) {
    if (wanted.field(i)->name() == found.field(i)->name() && wanted.field(i)->type()->Equals(found.field(i)->type())) {
      continue;
    }
    return "column " + std::to_string(i) + " is '" + found.field(i)->name() + "' " +
           found.field(i)->type()->ToString() + ", expected '" + wanted.field(i)->name() + "' " +
           wanted.field(i)->type()->ToString();
  }
  return "it has " + std::to_string(found.num_fields()) + " columns, expected " + std::to_string(wanted.num_fields());
}

// A source of files, which is opened once to learn its columns, and for each run behind a thread of its own.
arrow::Result<Stream> FromFiles(const std::string& format, const Paths& paths, std::string event_time,
                                OpenSource open) {
  ARROW_ASSIGN_OR_RAISE(const auto source, open(std::make_shared<data::CountingRejects>()));
  std::string names;
  for (const auto& path : paths) names += (names.empty() ? " " : ", ") + path;
  return Stream::FromSource(format + names, source->schema(),
                            {.open = [open = std::move(open)](const std::shared_ptr<data::RejectLog>& rejects)
                                 -> arrow::Result<std::shared_ptr<connectors::Source>> {
                               ARROW_ASSIGN_OR_RAISE(auto opened, open(rejects));
                               return connectors::Prefetch(std::move(opened));
                             },
                             .event_time = std::move(event_time),
                             .at_rest = true});
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
  return Stream(std::make_shared<Plan>(
      Plan{.description = std::move(description), .schema = std::move(schema), .step = std::move(step)}));
}

arrow::Result<Stream> Stream::FromParquet(const Paths& paths, connectors::ParquetSourceOptions options,
                                          std::string event_time) {
  return FromFiles("parquet", paths, std::move(event_time), [paths, options = std::move(options)](const auto&) {
    return connectors::ReadParquet(paths, options);
  });
}

arrow::Result<Stream> Stream::FromCsv(const Paths& paths, connectors::CsvSourceOptions options,
                                      std::string event_time) {
  return FromFiles("csv", paths, std::move(event_time),
                   [paths, options = std::move(options)](const std::shared_ptr<data::RejectLog>& rejects) {
                     auto with_log = options;
                     with_log.rejects = rejects;
                     return connectors::ReadCsv(paths, std::move(with_log));
                   });
}

arrow::Result<Stream> Stream::FromIpc(const Paths& paths, connectors::IpcSourceOptions options,
                                      std::string event_time) {
  return FromFiles("ipc", paths, std::move(event_time),
                   [paths, options = std::move(options)](const auto&) { return connectors::ReadIpc(paths, options); });
}

arrow::Result<Stream> Stream::FromGenerator(const connectors::TickGeneratorOptions& options) {
  ARROW_ASSIGN_OR_RAISE(const auto reader, connectors::GenerateTicks(options));
  return FromSource("generator " + options.kind + " rows=" + std::to_string(options.rows) +
                        " symbols=" + std::to_string(options.symbols) + " seed=" + std::to_string(options.seed),
                    reader->schema(),
                    {.open = [options](const auto&) -> arrow::Result<std::shared_ptr<connectors::Source>> {
                       ARROW_ASSIGN_OR_RAISE(auto ticks, connectors::GenerateTicks(options));
                       return std::make_shared<ReaderSource>(std::move(ticks), options.rows);
                     },
                     .at_rest = true});
}

arrow::Result<Stream> Stream::FromTable(std::shared_ptr<arrow::Table> table, std::string event_time) {
  auto schema = table->schema();
  const int64_t rows = table->num_rows();
  return FromSource(
      "table rows=" + std::to_string(rows), std::move(schema),
      {.open = [table = std::move(table), rows](const auto&) -> arrow::Result<std::shared_ptr<connectors::Source>> {
         return std::make_shared<ReaderSource>(std::make_shared<arrow::TableBatchReader>(table), rows);
       },
       .event_time = std::move(event_time),
       .at_rest = true});
}

arrow::Result<Stream> Stream::FromReader(std::shared_ptr<arrow::RecordBatchReader> reader, std::string event_time) {
  auto schema = reader->schema();
  auto used = std::make_shared<std::atomic<bool>>(false);
  return FromSource(
      "reader", std::move(schema),
      {.open = [reader = std::move(reader), used](const auto&) -> arrow::Result<std::shared_ptr<connectors::Source>> {
         if (used->exchange(true)) {
           return data::DataError(
               "the stream's reader was read by an earlier run. Make a new stream from a new reader, "
               "or begin with a table or a file, which can be read again.");
         }
         return std::make_shared<ReaderSource>(reader);
       },
       .event_time = std::move(event_time)});
}

arrow::Result<Stream> Stream::Apply(std::string description, operators::OperatorFactory make) const {
  ARROW_ASSIGN_OR_RAISE(const auto op, make(operators::OperatorContext{}));
  ARROW_ASSIGN_OR_RAISE(auto schemas, op->Bind({schema()}));
  return Stream(std::make_shared<Plan>(Plan{.description = std::move(description),
                                            .schema = std::move(schemas.front()),
                                            .step = OperatorStep{.make = std::move(make)},
                                            .inputs = {plan_}}),
                by_);
}

arrow::Result<Stream> Stream::Sieved(std::string verb, operators::ExpressionPtr keep, const MakeSieve& make) const {
  const std::string description = verb + " " + operators::ToString(*keep);
  const auto sieved = [&](const Stream& stream, operators::ExpressionPtr condition) {
    return stream.Apply(
        description,
        [condition = std::move(condition), make](const operators::OperatorContext& context)
            -> arrow::Result<std::unique_ptr<operators::Operator>> { return make(condition, context); });
  };
  if (!operators::HasKernel(*keep)) return sieved(*this, std::move(keep));
  // What kernels in it need is computed beside the columns, which are all that is left afterwards.
  ARROW_ASSIGN_OR_RAISE(const auto lowered,
                        operators::Lower({{.name = "condition", .expression = std::move(keep)}}, *schema(), by_, verb));
  ARROW_ASSIGN_OR_RAISE(const auto staged, Stages(lowered));
  ARROW_ASSIGN_OR_RAISE(const auto kept, sieved(staged, lowered.columns.front().expression));
  std::vector<operators::NamedExpression> columns;
  for (const auto& name : schema()->field_names()) {
    columns.push_back({.name = name, .expression = operators::MakeColumn(name)});
  }
  return kept.Projected(verb, "drop what the " + verb + " computed", std::move(columns));
}

arrow::Result<Stream> Stream::Filter(operators::ExpressionPtr keep) const {
  return Sieved("filter", std::move(keep), [](operators::ExpressionPtr condition, const auto& context) {
    return std::make_unique<operators::Filter>(std::move(condition), context);
  });
}

arrow::Result<Stream> Stream::Filter(std::string_view keep) const {
  ARROW_ASSIGN_OR_RAISE(auto expression, operators::ParseExpression(keep));
  return Filter(std::move(expression));
}

arrow::Result<Stream> Stream::Require(operators::ExpressionPtr keep, std::string reason) const {
  if (reason.empty()) reason = "not " + operators::ToString(*keep);
  return Sieved("require", std::move(keep),
                [reason = std::move(reason)](operators::ExpressionPtr condition, const auto& context) {
                  return std::make_unique<operators::Filter>(std::move(condition), reason, context);
                });
}

arrow::Result<Stream> Stream::Projected(std::string verb, std::string description,
                                        std::vector<operators::NamedExpression> columns) const {
  return Apply(std::move(description),
               [verb = std::move(verb), columns = std::move(columns)](
                   const operators::OperatorContext&) -> arrow::Result<std::unique_ptr<operators::Operator>> {
                 return std::make_unique<operators::Project>(verb, columns);
               });
}

arrow::Result<Stream> Stream::Stages(const operators::Lowered& lowered) const {
  Stream stream = *this;
  for (const auto& stage : lowered.stages) {
    if (!stage.columns.empty()) {
      ARROW_ASSIGN_OR_RAISE(stream, stream.Projected("with_columns", "compute " + Named(stage.columns),
                                                     operators::WithColumns(*stream.schema(), stage.columns)));
    }
    for (const auto& kernel : stage.kernels) {
      ARROW_ASSIGN_OR_RAISE(stream, stream.Kernel(kernel, stage.by));
    }
  }
  return stream;
}

arrow::Result<Stream> Stream::Select(const std::vector<operators::NamedExpression>& columns) const {
  ARROW_ASSIGN_OR_RAISE(const auto lowered, operators::Lower(columns, *schema(), by_, "select"));
  ARROW_ASSIGN_OR_RAISE(const auto staged, Stages(lowered));
  return staged.Projected("select", "select " + Named(columns), lowered.columns);
}

arrow::Result<Stream> Stream::WithColumns(const std::vector<operators::NamedExpression>& columns) const {
  ARROW_ASSIGN_OR_RAISE(const auto lowered, operators::Lower(columns, *schema(), by_, "with_columns"));
  ARROW_ASSIGN_OR_RAISE(const auto staged, Stages(lowered));
  return staged.Projected("with_columns", "with_columns " + Named(columns),
                          operators::WithColumns(*schema(), lowered.columns));
}

arrow::Result<Stream> Stream::Rename(const std::map<std::string, std::string>& names) const {
  for (const auto& [old_name, new_name] : names) {
    if (schema()->GetFieldIndex(old_name) < 0) {
      return data::SchemaError("rename: column '" + old_name + "' is missing." +
                               data::NearestNames(old_name, schema()->field_names()));
    }
  }
  std::string text;
  std::vector<operators::NamedExpression> columns;
  for (const auto& name : schema()->field_names()) {
    const auto renamed = names.find(name);
    columns.push_back(
        {.name = renamed == names.end() ? name : renamed->second, .expression = operators::MakeColumn(name)});
    if (renamed != names.end()) text += (text.empty() ? "" : ", ") + name + " -> " + renamed->second;
  }
  ARROW_ASSIGN_OR_RAISE(auto stream, Projected("rename", "rename " + text, std::move(columns)));
  for (auto& key : stream.by_) {
    if (const auto renamed = names.find(key); renamed != names.end()) key = renamed->second;
  }
  return stream;
}

arrow::Result<Stream> Stream::KeyBy(std::vector<std::string> by) const {
  ARROW_RETURN_NOT_OK(data::KeyIndex::Make(*schema(), by).status());
  return Stream(plan_, std::move(by));
}

arrow::Result<Stream> Stream::Kernel(operators::KernelSpec kernel, std::optional<std::vector<std::string>> by) const {
  const auto key = by.value_or(by_);
  ARROW_ASSIGN_OR_RAISE(auto alone, operators::KernelChain::Make({std::move(kernel)}, key));
  ARROW_ASSIGN_OR_RAISE(auto schema, alone.Bind(this->schema()));
  const auto* const before = std::get_if<KernelStep>(&plan_->step);
  const bool fuses = before != nullptr && (!alone.stateful() || !before->stateful || before->by == key);
  KernelStep step = fuses ? *before : KernelStep{.kernels = {}, .by = key};
  if (alone.stateful()) {
    step.by = key;
    step.stateful = true;
  }
  step.kernels.push_back(alone.kernels().front());
  return Stream(std::make_shared<Plan>(Plan{.description = "kernel",
                                            .schema = std::move(schema),
                                            .step = std::move(step),
                                            .inputs = fuses ? plan_->inputs : std::vector<PlanPtr>{plan_}}),
                by_);
}

arrow::Result<Stream> Stream::Map(operators::MapOptions options, operators::BatchFunction function) const {
  auto description = options.name;
  return Apply(std::move(description),
               [options = std::move(options), function = std::move(function)](
                   const operators::OperatorContext&) -> arrow::Result<std::unique_ptr<operators::Operator>> {
                 return std::make_unique<operators::Map>(options, function);
               });
}

arrow::Result<Stream> Stream::DataQuality(operators::DataQualityOptions options) const {
  std::string keys;
  for (const auto& key : options.by) keys += (keys.empty() ? "" : ", ") + key;
  return Apply("data_quality by " + keys,
               [options = std::move(options)](
                   const operators::OperatorContext& context) -> arrow::Result<std::unique_ptr<operators::Operator>> {
                 return std::make_unique<operators::DataQuality>(options, context);
               });
}

arrow::Result<Stream> Stream::Union(const std::vector<Stream>& others) const {
  std::vector<PlanPtr> inputs = {plan_};
  for (const auto& other : others) {
    if (!other.schema()->Equals(*schema(), /*check_metadata=*/false)) {
      return data::SchemaError("union: input " + std::to_string(inputs.size()) +
                               " has other columns: " + Difference(*schema(), *other.schema()) +
                               ". Make them alike with select, rename or with_columns.");
    }
    inputs.push_back(other.plan_);
  }
  return Stream(
      std::make_shared<Plan>(Plan{.description = "union of " + std::to_string(inputs.size()) + ", merged by place",
                                  .schema = schema(),
                                  .step = UnionStep{},
                                  .inputs = std::move(inputs)}),
      by_);
}

arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> Stream::Run(RunContext context) const {
  return OpenFlow(plan_, std::move(context));
}

arrow::Result<std::shared_ptr<arrow::Table>> Stream::Collect(RunContext context) const {
  ARROW_ASSIGN_OR_RAISE(const auto reader, Run(std::move(context)));
  return reader->ToTable();
}

arrow::Result<RunSummary> Stream::ToParquet(const std::string& path, connectors::ParquetSinkOptions options,
                                            RunContext context) const {
  return To(
      [&](const std::shared_ptr<arrow::Schema>& schema) -> arrow::Result<std::unique_ptr<connectors::Sink>> {
        return connectors::OpenParquetSink(path, schema, std::move(options));
      },
      std::move(context));
}

arrow::Result<RunSummary> Stream::ToCsv(const std::string& path, connectors::CsvSinkOptions options,
                                        RunContext context) const {
  return To(
      [&](const std::shared_ptr<arrow::Schema>& schema) { return connectors::OpenCsvSink(path, schema, options); },
      std::move(context));
}

arrow::Result<RunSummary> Stream::ToIpc(const std::string& path, connectors::IpcSinkOptions options,
                                        RunContext context) const {
  return To(
      [&](const std::shared_ptr<arrow::Schema>& schema) { return connectors::OpenIpcSink(path, schema, options); },
      std::move(context));
}

arrow::Result<RunSummary> Stream::To(const OpenSink& open, RunContext context) const {
  const auto start = Clock::now();
  const auto interrupt = context.interrupt;
  const env::InterruptScope scope(*interrupt);
  ARROW_ASSIGN_OR_RAISE(const auto reader, OpenFlow(plan_, std::move(context)));
  ARROW_ASSIGN_OR_RAISE(auto opened, open(schema()));
  ARROW_ASSIGN_OR_RAISE(const auto sink, connectors::WriteBehind(std::move(opened)));
  auto told = start;
  int64_t rows_written = 0;
  for (;;) {
    std::shared_ptr<arrow::RecordBatch> batch;
    ARROW_RETURN_NOT_OK(reader->ReadNext(&batch));
    if (batch == nullptr) break;
    rows_written += batch->num_rows();
    ARROW_RETURN_NOT_OK(sink->Write(std::move(batch)));
    if (const auto now = Clock::now(); reader->context().progress != nullptr && now - told >= kProgressEvery) {
      told = now;
      RunProgress progress = reader->progress();
      progress.rows_written = rows_written;
      ARROW_RETURN_NOT_OK(reader->context().progress(progress));
    }
  }
  ARROW_RETURN_NOT_OK(sink->Close());
  ARROW_RETURN_NOT_OK(reader->context().rejects->Close());
  return RunSummary{.rows_read = reader->progress().rows_read,
                    .rows_written = rows_written,
                    .rows_rejected = reader->context().rejects->count(),
                    .reports = reader->reports(),
                    .seconds = std::chrono::duration<double>(Clock::now() - start).count()};
}

}  // namespace sabot::engine
