#include "sabot/engine/job_run.h"

#include <algorithm>
#include <functional>

#include "sabot/data/errors.h"
#include "sabot/engine/balance.h"
#include "sabot/engine/job_state.h"
#include "sabot/engine/key_group_moves.h"

namespace sabot::engine {
namespace {

// Why no job of the plan can go on where another one stopped; empty: it can.
std::string WhyFixed(const Plan& plan) {
  if (const auto* const source = std::get_if<SourceStep>(&plan.step); source != nullptr && source->once) {
    return "source '" + plan.description + "' can be read once only. Begin with a table or a file.";
  }
  if (const auto* const op = std::get_if<OperatorStep>(&plan.step); op != nullptr && op->own_memory) {
    return "step '" + plan.description + "' calls a function, and what that remembers would be lost.";
  }
  for (const auto& input : plan.inputs) {
    if (auto why = WhyFixed(*input); !why.empty()) return why;
  }
  return "";
}

arrow::Status CheckPolicy(const RunContext& context) {
  if (!context.balance) return arrow::Status::OK();
  ARROW_RETURN_NOT_OK(CheckBalance(context.balance->limits));
  const int64_t rows = context.balance->check_rows;
  if (rows < 0) return data::OptionError("balance: check_rows is " + std::to_string(rows) + ", expected 0 or more.");
  if (rows > 0 || context.checkpoints != nullptr) return arrow::Status::OK();
  return data::OptionError(
      "balance: check_rows is 0, which looks at each checkpoint, and the run takes none. Say after how many rows to "
      "look, or take checkpoints.");
}

// `now`, with counters that go on where those of `before` were.
std::vector<metrics::Metric> Sum(const std::vector<metrics::Metric>& before, std::vector<metrics::Metric> now) {
  std::map<std::pair<std::string, metrics::Labels>, double> values;
  for (const auto& metric : before) {
    if (metric.kind != metrics::MetricKind::kCounter) continue;
    for (const auto& sample : metric.samples) values[{metric.name, sample.labels}] = sample.value;
  }
  for (auto& metric : now) {
    for (auto& sample : metric.samples) {
      if (const auto known = values.find({metric.name, sample.labels}); known != values.end()) {
        sample.value += known->second;
      }
    }
  }
  return now;
}

// A state that has been read, to be read once more.
TakenState Taken(JobState state) {
  TakenState taken;
  for (auto& op : state.operators) {
    operators::FrozenState& frozen = taken.frozen.emplace_back();
    for (auto& table : std::exchange(op.tables, {})) {
      frozen.push_back(std::make_shared<arrow::TableBatchReader>(std::move(table)));
    }
  }
  taken.state = std::move(state);
  return taken;
}

}  // namespace

// Takes the states that whoever runs the stream wants, and the one at which key groups move.
class JobRun::Moving final : public Checkpoints {
 public:
  Moving(JobRun& run, std::shared_ptr<Checkpoints> theirs) : run_(run), theirs_(std::move(theirs)) {}

  std::optional<int64_t> Due() override {
    const bool read = !reading();  // A state is not frozen while another is read.
    theirs_due_ = theirs_ == nullptr ? std::nullopt : theirs_->Due();
    last_ = read && run_.MoveWanted(theirs_due_.has_value());
    if (theirs_due_ || !last_) return theirs_due_;
    return ++number_;
  }
  bool Last() override { return last_; }
  bool Stops() override { return theirs_due_ && theirs_->Stops(); }
  void GiveUp(int64_t number) override {
    if (theirs_due_) theirs_->GiveUp(number);
  }
  // What moves is read as tables: another job's copies take it, in memory or in stores of their own.
  bool wants_files() const override { return !last_ && theirs_ != nullptr && theirs_->wants_files(); }
  bool reading() const override { return theirs_ != nullptr && theirs_->reading(); }
  arrow::Status Keep(TakenState taken) override {
    if (!last_) return theirs_->Keep(std::move(taken));
    ARROW_ASSIGN_OR_RAISE(auto state, std::move(taken).Read());
    run_.state_ = state;
    return theirs_due_ ? theirs_->Keep(Taken(std::move(state))) : arrow::Status::OK();
  }
  arrow::Status Check() override { return theirs_ == nullptr ? arrow::Status::OK() : theirs_->Check(); }

 private:
  JobRun& run_;
  const std::shared_ptr<Checkpoints> theirs_;
  std::optional<int64_t> theirs_due_;  // The state under way is wanted by them,
  bool last_ = false;                  // and by the run.
  int64_t number_ = int64_t{1} << 62;  // Of those that only the run wants: above theirs.
};

JobRun::JobRun(PlanPtr plan, RunContext context, std::vector<connectors::Sink*> sinks,
               std::vector<std::string> sink_key)
    : plan_(std::move(plan)), context_(std::move(context)), sinks_(std::move(sinks)), sink_key_(std::move(sink_key)) {}

JobRun::~JobRun() {
  if (context_.moves != nullptr) context_.moves->End();
  Leave();
}

arrow::Result<std::unique_ptr<JobRun>> JobRun::Make(PlanPtr plan, RunContext context,
                                                    std::vector<connectors::Sink*> sinks,
                                                    std::vector<std::string> sink_key) {
  ARROW_RETURN_NOT_OK(CheckPolicy(context));
  std::unique_ptr<JobRun> run(new JobRun(std::move(plan), std::move(context), std::move(sinks), std::move(sink_key)));
  auto& mine = run->context_;
  run->fixed_ = WhyFixed(*run->plan_);
  if (run->may_move() && run->fixed_.empty()) {
    run->check_rows_ = mine.balance ? mine.balance->check_rows : 0;
    mine.checkpoints = std::make_shared<Moving>(*run, std::move(mine.checkpoints));
    mine.rejects_of = [run = run.get()](const std::string& source, int partition) {
      return run->rejects_.try_emplace({source, partition}, run->context_.rejects).first->second.Open();
    };
    if (mine.progress != nullptr) {
      mine.progress = [run = run.get(), theirs = mine.progress](const RunProgress&) { return theirs(run->progress()); };
    }
  }
  ARROW_RETURN_NOT_OK(run->Begin());
  return run;
}

arrow::Status JobRun::Begin() {
  next_check_ = check_rows_;
  rows_seen_.clear();
  ARROW_ASSIGN_OR_RAISE(job_, Job::Make(plan_, context_, sinks_, sink_key_));
  context_.restore = nullptr;  // The job has it.
  if (context_.moves != nullptr) context_.moves->Begin(job_->graph(), fixed_, key_groups_moved());
  return arrow::Status::OK();
}

void JobRun::Leave() {
  for (auto* const sink : sinks_) sink->set_wake([] {});
  job_ = nullptr;
}

arrow::Status JobRun::GoOn() {
  const RunProgress so_far = progress();
  const int64_t rejected = std::max(rows_rejected_, job_->rows_rejected_by_sources());
  metrics_ = Sum(metrics_, job_->metrics());
  reports_ = reports();
  for (const auto& [op, moved] : Moves(*next_)) moved_[op] += moved;
  rows_rejected_ = rejected;
  rows_read_ = so_far.rows_read - rejected;
  rows_written_ = so_far.rows_written;
  done_ = so_far.done.value_or(0);
  Leave();
  context_.shuffle.tables = std::move(*next_);
  context_.restore = std::make_shared<const JobState>(std::move(*state_));
  next_ = std::nullopt;
  state_ = std::nullopt;
  return Begin();
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> JobRun::Next() {
  for (;;) {
    ARROW_ASSIGN_OR_RAISE(auto batch, job_->Next());
    if (batch != nullptr || !job_->handed_over()) return batch;
    ARROW_RETURN_NOT_OK(GoOn());
  }
}

arrow::Status JobRun::RunToEnd() {
  for (;;) {
    ARROW_RETURN_NOT_OK(job_->RunToEnd());
    if (!job_->handed_over()) return arrow::Status::OK();
    ARROW_RETURN_NOT_OK(GoOn());
  }
}

bool JobRun::MoveWanted(bool at_checkpoint) {
  if (next_) return true;
  if (context_.moves != nullptr) next_ = context_.moves->Take();
  if (next_ && Moves(*next_).empty()) next_ = std::nullopt;
  const bool look = check_rows_ > 0 ? job_->rows_given() >= next_check_ : context_.balance && at_checkpoint;
  if (!next_ && look) {
    next_check_ = job_->rows_given() + check_rows_;
    next_ = Balanced().ValueOr(std::nullopt);  // Options and tables were checked before.
    if (next_) check_rows_ *= 2;
  }
  return next_.has_value();
}

arrow::Result<std::optional<graph::KeyGroupTables>> JobRun::Balanced() {
  const auto& graph = job_->graph();
  Tables tables = graph.key_group_tables();
  bool any = false;
  for (const auto& op : MovableOperators(graph)) {
    ARROW_ASSIGN_OR_RAISE(const int chain, graph.MovableChain(op));
    const auto rows = job_->KeyGroupRows(graph.DividedWith(chain));
    auto& seen = rows_seen_[graph.DividedWith(chain)];
    seen.resize(rows.size());
    std::vector<int64_t> since(rows.size());
    std::transform(rows.begin(), rows.end(), seen.begin(), since.begin(), std::minus<>());
    seen = rows;
    ARROW_ASSIGN_OR_RAISE(auto table, data::KeyGroupTable::Of(
                                          graph.KeyGroupTable(chain),
                                          graph.chains()[static_cast<std::size_t>(chain)].parallelism, tables.version));
    ARROW_ASSIGN_OR_RAISE(const auto moves, Balance(since, table, context_.balance->limits));
    if (moves.empty()) continue;
    ARROW_ASSIGN_OR_RAISE(table, table.With(moves));
    const auto copies = table.task_of_group();
    tables = WithTable(graph, std::move(tables), op, {copies.begin(), copies.end()});
    any = true;
  }
  if (!any) return std::nullopt;
  ++tables.version;
  return tables;
}

std::map<std::string, int64_t> JobRun::Moves(const Tables& next) const {
  std::map<std::string, int64_t> moves;
  const auto& graph = job_->graph();
  const auto then = graph::ExecutionGraph::Make(graph.job(), next);
  if (!then.ok()) return moves;
  for (const auto& op : MovableOperators(graph)) {
    const int chain = graph.MovableChain(op).ValueOrDie();
    const auto before = graph.KeyGroupTable(chain);
    const auto after = then->KeyGroupTable(chain);
    int64_t moved = 0;
    for (std::size_t group = 0; group < before.size(); ++group) moved += before[group] != after[group];
    if (moved > 0) moves[op] = moved;
  }
  return moves;
}

RunProgress JobRun::progress() const {
  RunProgress now = job_->progress();
  now.rows_read = rows_read_ + job_->rows_given() + std::max(rows_rejected_, job_->rows_rejected_by_sources());
  now.rows_written += rows_written_;
  if (now.done) now.done = std::max(*now.done, done_);
  return now;
}

std::map<std::string, std::shared_ptr<arrow::Table>> JobRun::reports() const {
  auto all = job_->reports();
  all.insert(reports_.begin(), reports_.end());
  return all;
}

std::vector<metrics::Metric> JobRun::metrics() const {
  auto all = Sum(metrics_, job_->metrics());
  if (!may_move()) return all;
  metrics::Metric moved{.name = "sabot_key_groups_moved_total",
                        .help = "Key groups that moved from one copy to another while the run went on.",
                        .kind = metrics::MetricKind::kCounter,
                        .samples = {}};
  for (const auto& op : MovableOperators(job_->graph())) {
    const auto known = moved_.find(op);
    moved.samples.push_back(
        {.labels = {{"to", op}}, .value = known == moved_.end() ? 0 : static_cast<double>(known->second)});
  }
  if (!moved.samples.empty()) all.push_back(std::move(moved));
  return all;
}

int64_t JobRun::key_groups_moved() const {
  int64_t all = 0;
  for (const auto& [op, moved] : moved_) all += moved;
  return all;
}

}  // namespace sabot::engine
