#include "tests/simulation/law.h"

#include <arrow/compute/cast.h>

#include <algorithm>
#include <cstdlib>
#include <numeric>
#include <string>
#include <utility>

#include "sabot/engine/job_state.h"
#include "sabot/engine/key_group_moves.h"
#include "tests/operators/sample_ticks.h"

namespace sabot::simulation {
namespace {

// The values count: which dictionary they are found in depends on what was merged when.
RowsResult WithSymbolsAsText(const arrow::Table& table) {
  ARROW_ASSIGN_OR_RAISE(auto rows, table.CombineChunksToBatch());
  if (rows->column(0)->type_id() != arrow::Type::DICTIONARY) return rows;
  ARROW_ASSIGN_OR_RAISE(const auto symbols, arrow::compute::Cast(*rows->column(0), arrow::utf8()));
  return rows->SetColumn(0, arrow::field("symbol", arrow::utf8()), symbols);
}

RowsResult Collected(const engine::Stream& stream, engine::RunContext context) {
  ARROW_ASSIGN_OR_RAISE(const auto table, stream.Collect(std::move(context)));
  return WithSymbolsAsText(*table);
}

std::string Difference(const arrow::RecordBatch& expected, const arrow::RecordBatch& found) {
  if (expected.num_rows() != found.num_rows()) {
    return "Expected " + std::to_string(expected.num_rows()) + " rows, found " + std::to_string(found.num_rows());
  }
  for (int64_t row = 0; row < expected.num_rows(); ++row) {
    if (operators::SameBits(*expected.Slice(row, 1), *found.Slice(row, 1))) continue;
    return "Row " + std::to_string(row) + ", expected\n" + expected.Slice(row, 1)->ToString() + "found\n" +
           found.Slice(row, 1)->ToString();
  }
  return "The rows are alike one by one.";
}

}  // namespace

RowsResult RunPlainly(uint64_t seed, const Adjust& adjust) {
  ARROW_ASSIGN_OR_RAISE(const auto stream, RandomJob({.seed = seed}));
  engine::RunContext context{.executor = env::MakeSeededExecutor(0, 1), .shuffle = {.parallelism = 1}};
  if (adjust != nullptr) adjust(context);
  return Collected(stream, std::move(context));
}

namespace {

// Moves key groups now and then, whenever it is asked.
class Mover final : public env::Interrupt {
 public:
  Mover(std::shared_ptr<env::Interrupt> inner, std::shared_ptr<Events> events,
        std::shared_ptr<engine::KeyGroupMoves> moves, int64_t* moved)
      : inner_(std::move(inner)), events_(std::move(events)), moves_(std::move(moves)), moved_(moved) {}
  arrow::Status Check() override {
    ARROW_RETURN_NOT_OK(inner_->Check());
    if (moved_ != nullptr) {
      *moved_ += moves_->moved() - counted_;
      counted_ = moves_->moved();
    }
    if (left_ == 0 || !events_->OneIn(30)) return arrow::Status::OK();
    --left_;
    for (auto& [op, copies] : moves_->tables().copies) {
      if (events_->OneIn(2)) continue;
      const auto copies_there_are = static_cast<std::size_t>(1 + *std::max_element(copies.begin(), copies.end()));
      for (auto& copy : copies) {
        if (events_->OneIn(3)) copy = static_cast<int32_t>(events_->Below(copies_there_are));
      }
      ARROW_RETURN_NOT_OK(moves_->MoveKeyGroups(op, copies));
    }
    return arrow::Status::OK();
  }

 private:
  const std::shared_ptr<env::Interrupt> inner_;
  const std::shared_ptr<Events> events_;
  const std::shared_ptr<engine::KeyGroupMoves> moves_;
  int64_t* const moved_;
  int64_t counted_ = 0;
  int left_ = 5;  // Each makes the sources begin again, so that with no end of them there would be none of the run.
};

}  // namespace

std::shared_ptr<env::Interrupt> MoveNowAndThen(std::shared_ptr<env::Interrupt> inner, std::shared_ptr<Events> events,
                                               std::shared_ptr<engine::KeyGroupMoves> moves, int64_t* moved) {
  return std::make_shared<Mover>(std::move(inner), std::move(events), std::move(moves), moved);
}

engine::RunContext RandomContext(uint64_t seed, const std::shared_ptr<Events>& events,
                                 const SimulationOptions& options) {
  engine::RunContext context{.executor = env::MakeSeededExecutor(seed, static_cast<int>(1 + events->Below(4))),
                             .interrupt = options.interrupt};
  context.shuffle.parallelism = static_cast<int>(events->Below(5));
  context.shuffle.key_groups = events->OneIn(2) ? 256 : static_cast<int>(8 + events->Below(9));
  context.shuffle.segments.segment_bytes = events->OneIn(2) ? 1024 : 4096;
  context.shuffle.segments.channel_segments = static_cast<int32_t>(1 + events->Below(3));
  context.shuffle.segments.shuffle_segments = static_cast<int32_t>(events->Below(4));
  context.shuffle.segments.roomy = !options.world.network && events->OneIn(4);
  if (options.world.network) context.shuffle.segments.segment_bytes = 4096;
  if (options.spills) {
    context.shuffle.spill = events->OneIn(2) ? "overflow" : "always";
    context.shuffle.spill_folder = "spill";
  }
  context.world = options.make_world == nullptr ? std::make_shared<SimulatedWorld>(events, options.world)
                                                : options.make_world(events);
  if (options.moves) {
    context.moves = std::make_shared<engine::KeyGroupMoves>();
    context.interrupt = MoveNowAndThen(context.interrupt, events, context.moves, options.moved);
    if (events->OneIn(2)) {
      context.balance = {.check_rows = static_cast<int64_t>(1 + events->Below(100)), .limits = {.tolerance = 1}};
    }
  }
  return context;
}

RowsResult RunSimulated(uint64_t seed, const SimulationOptions& options) {
  const auto events = std::make_shared<Events>(seed);
  ARROW_ASSIGN_OR_RAISE(
      const auto stream,
      RandomJob({.seed = options.job_seed.value_or(seed), .events = events, .defect = options.defect}));
  auto context = RandomContext(seed, events, options);
  if (options.adjust != nullptr) options.adjust(context);
  return Collected(stream, std::move(context));
}

namespace {

// Takes checkpoints at any time.
class AnyTime final : public engine::Checkpoints {
 public:
  explicit AnyTime(std::shared_ptr<Events> events) : events_(std::move(events)) {}
  std::optional<int64_t> Due() override {
    if (!events_->OneIn(16)) return std::nullopt;
    return ++number_;
  }
  arrow::Status Keep(engine::TakenState taken) override {
    ARROW_ASSIGN_OR_RAISE(auto state, std::move(taken).Read());
    kept.push_back(std::make_shared<engine::JobState>(std::move(state)));
    return arrow::Status::OK();
  }
  std::vector<std::shared_ptr<const engine::JobState>> kept;

 private:
  std::shared_ptr<Events> events_;
  int64_t number_ = 0;
};

class CrashAfter final : public env::Interrupt {
 public:
  explicit CrashAfter(std::size_t checks) : left_(checks) {}
  arrow::Status Check() override {
    if (left_ == 0) return arrow::Status::Cancelled("crash");
    --left_;
    return arrow::Status::OK();
  }

 private:
  std::size_t left_;
};

// The first `rows` rows.
arrow::RecordBatchVector First(const arrow::RecordBatchVector& batches, int64_t rows) {
  arrow::RecordBatchVector first;
  for (const auto& batch : batches) {
    if (rows > 0) first.push_back(batch->Slice(0, rows));
    rows -= std::min(rows, batch->num_rows());
  }
  return first;
}

int64_t RowsOf(const arrow::RecordBatchVector& batches) {
  int64_t rows = 0;
  for (const auto& batch : batches) rows += batch->num_rows();
  return rows;
}

}  // namespace

RowsResult RunCrashing(uint64_t seed, Crashes* told, const SimulationOptions& options) {
  constexpr int kCrashes = 3;
  const auto events = std::make_shared<Events>(seed * 31);
  arrow::RecordBatchVector given;  // What the reader has, for good.
  std::shared_ptr<const engine::JobState> state;
  std::shared_ptr<arrow::Schema> schema;
  for (int crash = 0;; ++crash) {
    const auto now = std::make_shared<Events>(seed + static_cast<uint64_t>(crash));
    ARROW_ASSIGN_OR_RAISE(const auto stream, RandomJob({.seed = seed, .events = now, .defect = options.defect}));
    schema = stream.schema();
    auto context = RandomContext(seed + static_cast<uint64_t>(crash), now, options);
    context.shuffle.key_groups = 16;  // A job's for ever.
    const auto checkpoints = std::make_shared<AnyTime>(now);
    context.checkpoints = checkpoints;
    context.restore = state;
    if (crash < kCrashes) {
      context.interrupt = std::make_shared<CrashAfter>(events->Below(600));
      if (options.moves) context.interrupt = MoveNowAndThen(context.interrupt, now, context.moves, options.moved);
    }
    if (options.adjust != nullptr) options.adjust(context);
    ARROW_ASSIGN_OR_RAISE(const auto reader, stream.Run(std::move(context)));
    arrow::Status ended;
    for (;;) {
      std::shared_ptr<arrow::RecordBatch> batch;
      ended = reader->ReadNext(&batch);
      if (!ended.ok() || batch == nullptr) break;
      given.push_back(std::move(batch));
    }
    if (ended.ok()) break;
    if (!ended.IsCancelled()) return ended;
    // Of the checkpoints that are complete, the newest whose rows the reader had taken.
    for (const auto& kept : checkpoints->kept) {
      if (kept->sinks.front().rows <= RowsOf(given)) state = kept;
    }
    given = First(given, state == nullptr ? 0 : state->sinks.front().rows);
    if (told != nullptr) {
      ++told->crashes;
      if (state != nullptr) ++told->restored;
    }
  }
  ARROW_ASSIGN_OR_RAISE(const auto table, arrow::Table::FromRecordBatches(schema, given));
  return WithSymbolsAsText(*table);
}

::testing::AssertionResult SameRows(uint64_t seed, const RowsResult& expected, const RowsResult& found) {
  if (!expected.ok()) return ::testing::AssertionFailure() << "seed " << seed << ", plainly: " << expected.status();
  if (!found.ok()) return ::testing::AssertionFailure() << "seed " << seed << ": " << found.status();
  if (operators::SameBits(**expected, **found)) return ::testing::AssertionSuccess();
  return ::testing::AssertionFailure() << "seed " << seed << ": other rows.\n"
                                       << Difference(**expected, **found) << "\n"
                                       << RandomJob({.seed = seed})->Explain();
}

std::vector<uint64_t> Seeds(uint64_t all, double share) {
  if (const char* const one = std::getenv("SABOT_SIMULATION_SEED")) return {std::strtoull(one, nullptr, 10)};
  if (const char* const many = std::getenv("SABOT_SIMULATION_SEEDS")) all = std::strtoull(many, nullptr, 10);
  std::vector<uint64_t> seeds(static_cast<std::size_t>(static_cast<double>(all) * share));
  std::iota(seeds.begin(), seeds.end(), uint64_t{1});
  return seeds;
}

}  // namespace sabot::simulation
