#include "sabot/engine/flow.h"

#include <arrow/array.h>
#include <arrow/compute/cast.h>
#include <arrow/util/checked_cast.h>

#include <algorithm>
#include <atomic>
#include <limits>
#include <numeric>
#include <utility>

#include "sabot/data/errors.h"
#include "sabot/engine/morsel_runner.h"
#include "sabot/engine/operator_chain.h"
#include "sabot/operators/kernel_operator.h"
#include "sabot/operators/map.h"
#include "sabot/shuffle/gate.h"

namespace sabot::engine {
namespace {

// What rows carry on their way: places as long as they cost nothing (no row was dropped yet), always, or with times.
enum class Carried { kNothing, kPlaces, kTimes };

// An error of the rows of a batch, with the place of that batch.
arrow::Status WithPlace(const arrow::Status& status, const data::Batch& batch) {
  if (data::KindOf(status) != data::ErrorKind::kData || batch.places.rows() == 0) return status;
  if (status.message().find(" of source ") != std::string::npos) return status;  // It has one.
  return status.WithMessage(status.message(), " It was met in ", operators::WhereIs(batch), ".");
}

// Reads a source, cuts its batches, and gives each row its place.
class SourceFlow final : public Flow {
 public:
  SourceFlow(std::shared_ptr<connectors::Source> source, int32_t rank, int event_time, Carried carried,
             const RunContext& context, FlowCounters& counters)
      : source_(std::move(source)),
        rank_(rank),
        event_time_(event_time),
        carried_(carried),
        interrupt_(*context.interrupt),
        counters_(counters) {}
  ~SourceFlow() override { static_cast<void>(source_->Close()); }

  arrow::Result<std::optional<data::Batch>> Next() override {
    ARROW_RETURN_NOT_OK(interrupt_.Check());
    while (rest_ == nullptr || begin_ == rest_->num_rows()) {
      ARROW_RETURN_NOT_OK(source_->ReadNext(&rest_));
      begin_ = 0;
      if (rest_ == nullptr) return std::nullopt;
    }
    data::Batch batch{.rows = rest_->Slice(begin_, kBatchRows)};
    begin_ += batch.num_rows();
    std::shared_ptr<arrow::Buffer> times;
    if (carried_ == Carried::kTimes && event_time_ >= 0) {
      ARROW_ASSIGN_OR_RAISE(times, Times(*batch.rows));
    }
    batch.places = data::Places::OfSource(rank_, offset_, batch.num_rows(), std::move(times));
    offset_ += batch.num_rows();
    counters_.rows_read += batch.num_rows();
    return batch;
  }

 private:
  // The running maximum of event time. A null takes what came before.
  arrow::Result<std::shared_ptr<arrow::Buffer>> Times(const arrow::RecordBatch& rows) {
    std::shared_ptr<arrow::Array> times = rows.column(event_time_);
    if (times->type_id() == arrow::Type::TIMESTAMP) {  // Whatever its unit and zone, as nanoseconds.
      const auto& type = arrow::internal::checked_cast<const arrow::TimestampType&>(*times->type());
      ARROW_ASSIGN_OR_RAISE(times,
                            arrow::compute::Cast(*times, arrow::timestamp(arrow::TimeUnit::NANO, type.timezone())));
    }
    ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> buffer,
                          arrow::AllocateBuffer(rows.num_rows() * static_cast<int64_t>(sizeof(int64_t))));
    auto* const out = buffer->mutable_data_as<int64_t>();
    const auto* const values = times->data()->GetValues<int64_t>(1);
    for (int64_t row = 0; row < rows.num_rows(); ++row) {
      if (times->IsValid(row)) time_ = std::max(time_, values[row]);
      out[row] = time_;
    }
    return buffer;
  }

  std::shared_ptr<connectors::Source> source_;
  int32_t rank_;
  int event_time_;
  Carried carried_;
  env::Interrupt& interrupt_;
  FlowCounters& counters_;
  std::shared_ptr<arrow::RecordBatch> rest_;  // What the source gave last...
  int64_t begin_ = 0;                         // ...and its first row not yet given.
  int64_t offset_ = 0;
  int64_t time_ = std::numeric_limits<int64_t>::min();
};

// Operators that follow one another.
class ChainFlow final : public Flow {
 public:
  ChainFlow(std::unique_ptr<Flow> input, OperatorChain chain, env::Interrupt& interrupt)
      : input_(std::move(input)), chain_(std::move(chain)), interrupt_(interrupt) {}

  arrow::Result<std::optional<data::Batch>> Next() override {
    for (;;) {
      auto out = chain_.Next();
      if (!out.ok()) return WithPlace(out.status(), last_);
      if (*out || ended_) return out;
      ARROW_RETURN_NOT_OK(interrupt_.Check());
      ARROW_ASSIGN_OR_RAISE(auto in, input_->Next());
      if (in) {
        last_ = *in;
        chain_.Push(std::move(*in));
      } else {
        chain_.End();
        ended_ = true;
      }
    }
  }

 private:
  std::unique_ptr<Flow> input_;
  OperatorChain chain_;
  env::Interrupt& interrupt_;
  data::Batch last_;  // That was taken.
  bool ended_ = false;
};

// Operators without state: copies of them work on several batches at once; their output keeps the order.
class ParallelFlow final : public Flow {
 public:
  ParallelFlow(std::unique_ptr<Flow> input, std::vector<OperatorChain> copies, const RunContext& context)
      : input_(std::move(input)), copies_(std::move(copies)), context_(context) {}

  arrow::Result<std::optional<data::Batch>> Next() override {
    while (out_.empty() && !ended_) ARROW_RETURN_NOT_OK(Fill());
    if (out_.empty()) return failed_.ok() ? arrow::Result<std::optional<data::Batch>>(std::nullopt) : failed_;
    std::optional<data::Batch> next = std::move(out_.front());
    out_.pop_front();
    return next;
  }

 private:
  arrow::Status Fill() {
    ARROW_RETURN_NOT_OK(context_.interrupt->Check());
    std::vector<data::Batch> taken;
    std::size_t batches = 0;
    for (; batches < copies_.size(); ++batches) {
      auto in = input_->Next();
      if (!in.ok()) failed_ = in.status();
      if (!in.ok() || !*in) {
        ended_ = true;
        break;
      }
      taken.push_back(**in);
      copies_[batches].Push(std::move(**in));
    }
    std::vector<std::vector<data::Batch>> made(batches);
    std::vector<arrow::Status> statuses(batches);
    std::atomic<std::size_t> next = 0;
    std::atomic<int> asked = 1;
    context_.executor->Run([&](const env::Executor::Another& another) {
      if (asked.fetch_add(1) < context_.executor->concurrency() && next + 1 < batches) another();
      for (std::size_t at = next++; at < batches; at = next++) statuses[at] = Drain(copies_[at], made[at]);
    });
    for (std::size_t at = 0; at < batches; ++at) {  // The first error, after what comes before it.
      for (auto& batch : made[at]) out_.push_back(std::move(batch));
      if (statuses[at].ok()) continue;
      failed_ = WithPlace(statuses[at], taken[at]);
      ended_ = true;
      break;
    }
    return arrow::Status::OK();
  }

  static arrow::Status Drain(OperatorChain& chain, std::vector<data::Batch>& made) {
    for (;;) {
      ARROW_ASSIGN_OR_RAISE(auto out, chain.Next());
      if (!out) return arrow::Status::OK();
      made.push_back(std::move(*out));
    }
  }

  std::unique_ptr<Flow> input_;
  std::vector<OperatorChain> copies_;
  const RunContext& context_;
  std::deque<data::Batch> out_;
  arrow::Status failed_;  // Told when all before it has been given.
  bool ended_ = false;
};

// Several flows merged by place.
class MergeFlow final : public Flow {
 public:
  MergeFlow(std::vector<std::unique_ptr<Flow>> inputs, std::shared_ptr<arrow::Schema> schema)
      : inputs_(std::move(inputs)), gate_(static_cast<int>(inputs_.size()), std::move(schema)) {}

  arrow::Result<std::optional<data::Batch>> Next() override {
    while (!gate_.ended()) {
      ARROW_ASSIGN_OR_RAISE(auto out, gate_.Next());
      if (out) return out;
      if (gate_.ended()) break;
      const int wanted = gate_.wanted();
      ARROW_ASSIGN_OR_RAISE(auto in, inputs_[static_cast<std::size_t>(wanted)]->Next());
      if (in) {
        ARROW_RETURN_NOT_OK(gate_.Push(wanted, std::move(*in)));
      } else {
        gate_.End(wanted);
      }
    }
    return std::nullopt;
  }

 private:
  std::vector<std::unique_ptr<Flow>> inputs_;
  shuffle::Gate gate_;
};

class Maker {
 public:
  Maker(const Plan& plan, const RunContext& context, std::shared_ptr<FlowCounters> counters)
      : context_(context), sources_(SourcesOf(plan)), counters_(std::move(counters)) {}

  arrow::Result<std::unique_ptr<Flow>> Make(const Plan& plan, Carried carried) {
    if (const auto* const source = std::get_if<SourceStep>(&plan.step)) return MakeSource(plan, *source, carried);
    if (std::holds_alternative<UnionStep>(plan.step)) {
      std::vector<std::unique_ptr<Flow>> inputs;
      for (const auto& input : plan.inputs) {
        ARROW_ASSIGN_OR_RAISE(inputs.emplace_back(), Make(*input, Carried::kTimes));
      }
      return std::make_unique<MergeFlow>(std::move(inputs), plan.schema);
    }
    return MakeStretch(plan, carried);
  }

 private:
  using Operators = std::vector<std::unique_ptr<operators::Operator>>;

  arrow::Result<std::unique_ptr<Flow>> MakeSource(const Plan& plan, const SourceStep& step, Carried carried) {
    ARROW_ASSIGN_OR_RAISE(auto source, step.open(context_.rejects));
    const auto rank = std::find(sources_.begin(), sources_.end(), &plan) - sources_.begin();
    counters_->sources.push_back(source);
    return std::make_unique<SourceFlow>(std::move(source), static_cast<int32_t>(rank), EventTime(plan, step), carried,
                                        context_, *counters_);
  }

  static bool AtRest(const Plan& plan) {
    if (const auto* const source = std::get_if<SourceStep>(&plan.step)) return source->at_rest;
    return std::all_of(plan.inputs.begin(), plan.inputs.end(), [](const auto& input) { return AtRest(*input); });
  }

  static int EventTime(const Plan& plan, const SourceStep& step) { return plan.schema->GetFieldIndex(step.event_time); }

  // The longest stretch of steps that ends here and is alike: all with state, or all without.
  arrow::Result<std::unique_ptr<Flow>> MakeStretch(const Plan& plan, Carried carried) {
    std::vector<const Plan*> steps = {&plan};
    ARROW_ASSIGN_OR_RAISE(const auto last, MakeOperator(plan, /*alone=*/false, carried));
    const bool stateful = last->stateful();
    if (last->needs_places()) carried = std::max(carried, Carried::kPlaces);
    const Plan* input = plan.inputs.front().get();
    for (; !std::holds_alternative<SourceStep>(input->step) && !std::holds_alternative<UnionStep>(input->step);
         input = input->inputs.front().get()) {
      ARROW_ASSIGN_OR_RAISE(const auto op, MakeOperator(*input, /*alone=*/false, carried));
      if (op->stateful() != stateful) break;
      if (op->needs_places()) carried = std::max(carried, Carried::kPlaces);
      steps.insert(steps.begin(), input);
    }
    ARROW_ASSIGN_OR_RAISE(auto from, Make(*input, carried));
    const int threads = context_.executor->concurrency();
    if (stateful || threads == 1 || !AtRest(*input)) {
      ARROW_ASSIGN_OR_RAISE(auto chain, MakeChain(steps, input->schema, /*alone=*/false, carried));
      return std::make_unique<ChainFlow>(std::move(from), std::move(chain), *context_.interrupt);
    }
    std::vector<OperatorChain> copies;
    for (int copy = 0; copy < threads * kBatchesAThread; ++copy) {
      ARROW_ASSIGN_OR_RAISE(auto chain, MakeChain(steps, input->schema, /*alone=*/true, carried));
      copies.push_back(std::move(chain));
    }
    return std::make_unique<ParallelFlow>(std::move(from), std::move(copies), context_);
  }

  arrow::Result<OperatorChain> MakeChain(const std::vector<const Plan*>& steps, std::shared_ptr<arrow::Schema> schema,
                                         bool alone, Carried carried) {
    Operators chain;
    for (const Plan* step : steps) {
      ARROW_ASSIGN_OR_RAISE(auto op, MakeOperator(*step, alone, carried));
      ARROW_ASSIGN_OR_RAISE(auto schemas, op->Bind({std::move(schema)}));
      schema = std::move(schemas.front());
      chain.push_back(std::move(op));
    }
    return OperatorChain(std::move(chain));
  }

  // `alone`: it runs beside others, so it asks for no threads of its own.
  arrow::Result<std::unique_ptr<operators::Operator>> MakeOperator(const Plan& plan, bool alone, Carried carried) {
    operators::OperatorContext context{.places = carried != Carried::kNothing, .rejects = context_.rejects};
    context.report = [&counters = *counters_](std::string name, std::shared_ptr<arrow::Table> table) {
      counters.reports[std::move(name)] = std::move(table);
    };
    if (!alone) {
      context.run_chain = [run = &context_](operators::KernelChain& chain,
                                            const std::shared_ptr<arrow::RecordBatch>& batch) {
        return RunMorsels(chain, batch, *run->executor, *run->interrupt);
      };
    }
    if (const auto* const step = std::get_if<OperatorStep>(&plan.step)) return step->make(context);
    const auto& kernels = std::get<KernelStep>(plan.step);
    ARROW_ASSIGN_OR_RAISE(auto chain, operators::KernelChain::Make(kernels.kernels, kernels.by));
    return std::make_unique<operators::KernelOperator>(std::move(chain), context);
  }

  static constexpr int kBatchesAThread = 2;

  const RunContext& context_;
  std::vector<const Plan*> sources_;
  std::shared_ptr<FlowCounters> counters_;
};

}  // namespace

std::optional<double> FlowCounters::done() const {
  double sum = 0;
  for (const auto& source : sources) {
    const auto one = source->done();
    if (!one) return std::nullopt;
    sum += *one;
  }
  if (sources.empty()) return std::nullopt;
  return sum / static_cast<double>(sources.size());
}

int64_t FlowCounters::all_rows_read() const {
  int64_t rows = rows_read;
  for (const auto& source : sources) rows += source->rows_rejected();
  return rows;
}

arrow::Result<RunningFlow> MakeFlow(const Plan& plan, const RunContext& context) {
  auto counters = std::make_shared<FlowCounters>();
  ARROW_ASSIGN_OR_RAISE(auto flow, Maker(plan, context, counters).Make(plan, Carried::kNothing));
  return RunningFlow{.flow = std::move(flow), .counters = std::move(counters)};
}

}  // namespace sabot::engine
