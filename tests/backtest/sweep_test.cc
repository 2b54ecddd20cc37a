#include "sabot/backtest/sweep.h"

#include <arrow/array.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "sabot/backtest/performance.h"
#include "sabot/ticks/tick_file.h"
#include "tests/backtest/ending_plan.h"
#include "tests/backtest/expect_error.h"
#include "tests/backtest/tick_files.h"
#include "tests/connectors/temporary_folder.h"

namespace sabot::backtest {
namespace {

using connectors::BytesOf;
using connectors::TemporaryFolder;

constexpr char kGrid[] =
    R"({"refill_interval_sec": [5, 60, 0.5], "quote_size": [100, 7000], "queue": ["fifo", "risk_averse"]})";
constexpr char kConfig[] = R"({"DEFAULT": {"min_local_currency_before_quote": 0, "maker_fee_bps": 0.25},
                               "BETA": {"order_latency_ms": 250}})";

RunPlan Plan(const std::string& config = kConfig, const std::string& strategy = "v1_baseline") {
  const StrategyInfo* info = FindStrategy(strategy).ValueOrDie();
  return {*info, StrategyConfig::Parse(config, info->parameters).ValueOrDie()};
}

// Three securities: of one day, of three, and of five in sessions.
class Market {
 public:
  Market() {
    WriteTickFile(folder_ / "alpha.parquet", "ALPHA", WanderingTicks(1, 1, 2'000));
    WriteTickFile(folder_ / "beta.parquet", "BETA", WanderingTicks(2, 3, 1'500), "", 4);
    WriteTickFile(folder_ / "gamma.parquet", "GAMMA", WanderingTicks(3, 5, 800), "adx");
  }
  SweepPlan Sweep(const std::string& grid = kGrid, const std::string& config = kConfig) const {
    return {Plan(config), FindTicks({folder_ / ""}).ValueOrDie().ticks, GridSets(grid).ValueOrDie()};
  }
  std::string operator/(const std::string& name) const { return folder_ / name; }

 private:
  TemporaryFolder folder_;
};

arrow::Result<SweepResult> Swept(const SweepPlan& plan, const SweepOptions& options = {}, int threads = 1) {
  env::NoInterrupt interrupt;
  return RunSweep(plan, options, *env::MakeTbbExecutor(threads), interrupt, {});
}

// What a run of its own comes to: set by set, security by security.
std::string IsolatedText(const SweepPlan& plan) {
  std::vector<SummaryRow> rows;
  for (int64_t set = 0; set < plan.sets.size(); ++set) {
    const RunPlan run{plan.run.strategy, plan.run.config.With(plan.sets.Set(set)).ValueOrDie()};
    for (const auto& ticks : plan.securities) {
      const auto result = RunSecurity(run, ticks, {}, [](int64_t) { return arrow::Status::OK(); }).ValueOrDie();
      rows.push_back(result.summary);
    }
  }
  return SummaryBatch(rows).ValueOrDie()->ToString();
}

// The columns that a summary has.
std::string SweptText(const SweepResult& result) {
  const auto table = result.table->CombineChunksToBatch().ValueOrDie();
  std::vector<std::string> names = SummaryBatch({}).ValueOrDie()->schema()->field_names();
  arrow::FieldVector fields;
  arrow::ArrayVector columns;
  for (const auto& name : names) {
    fields.push_back(table->schema()->GetFieldByName(name));
    columns.push_back(table->GetColumnByName(name));
  }
  return arrow::RecordBatch::Make(arrow::schema(fields), table->num_rows(), columns)->ToString();
}

double NumberAt(const arrow::Table& table, const std::string& name, int64_t row) {
  const auto scalar = table.GetColumnByName(name)->GetScalar(row).ValueOrDie();
  if (!scalar->is_valid) return std::nan("");
  return scalar->type->id() == arrow::Type::INT64
             ? static_cast<double>(static_cast<const arrow::Int64Scalar&>(*scalar).value)
             : static_cast<const arrow::DoubleScalar&>(*scalar).value;
}

std::map<std::string, std::string> FilesOf(const std::string& folder) {
  std::map<std::string, std::string> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(folder)) {
    if (entry.is_regular_file()) files[entry.path().string().substr(folder.size())] = BytesOf(entry.path().string());
  }
  return files;
}

// --- wrong use ---

TEST(Sweep, SaysWhatIsWrong) {
  const Market market;
  auto plan = market.Sweep();
  ExpectOptionError(Swept(plan, {.sets_per_scan = 0}).status(),
                    "sets_per_scan is 0 and batch_rows 0; they have to be at least 1 and 0.");
  ExpectOptionError(Swept(plan, {.batch_rows = -1}).status(), "batch_rows -1");
  plan.sets.sets.clear();
  ExpectOptionError(Swept(plan).status(), "there are no parameter sets");
  plan = market.Sweep();
  plan.securities.clear();
  ExpectOptionError(Swept(plan).status(), "there are no securities");
  ExpectOptionError(Swept(market.Sweep(R"({"quote_sise": [1]})")).status(), "sweep: set 0: ", "quote_sise",
                    "Nearest names: 'quote_size'");
  ExpectOptionError(Swept(market.Sweep(R"({"quote_size": [100, 0]})")).status(), "sweep: set 1: ", "quote_size is 0");
}

TEST(Sweep, AFolderHoldsOneSweep) {
  const Market market;
  const SweepOptions options{.folder = market / "out"};
  ASSERT_TRUE(Swept(market.Sweep(), options).ok());
  const auto expect = [&](const SweepPlan& plan, const std::string& different) {
    ExpectOptionError(Swept(plan, options).status(), "' holds another sweep: " + different,
                      "Give another folder, or forget what it holds with restart (--restart).");
  };
  expect(market.Sweep(R"({"quote_size": [1]})"),
         R"(parameters is ["refill_interval_sec","quote_size","queue"] there and ["quote_size"] here)");
  expect(market.Sweep(R"({"refill_interval_sec": [5], "quote_size": [1], "queue": ["fifo"]})"),
         "sets is 12 there and 1 here");
  expect(market.Sweep(R"({"refill_interval_sec": [5, 60, 0.6], "quote_size": [100, 7000],
                          "queue": ["fifo", "risk_averse"]})"),
         "its parameter sets are others");
  expect(market.Sweep(kGrid, R"({"DEFAULT": {"maker_fee_bps": 0.25}})"),
         "ALPHA/min_local_currency_before_quote is 0 there and 25000 here");
  auto plan = market.Sweep();
  plan.run.strategy.code = "0123";
  expect(plan,
         R"(it was computed by other code of the strategy "v1_baseline": its library or module was changed since, )"
         "or is another one. To go on, take the one that was there.");
  plan = market.Sweep();
  std::swap(plan.securities[0], plan.securities[2]);
  expect(plan, "its securities are in another order");
  plan = market.Sweep();
  plan.securities.pop_back();
  expect(plan, "it has GAMMA as well");
  plan.securities.push_back(plan.securities[0]);
  plan.securities[2].security = "DELTA";
  expect(plan, "it has no DELTA");
  WriteTickFile(market / "beta.parquet", "BETA", WanderingTicks(22, 3, 1'500), "", 4);
  expect(market.Sweep(), "the ticks of BETA are others now");

  // All of them were refused before anything was touched; a restart forgets.
  EXPECT_TRUE(std::filesystem::exists(market / "out/sweep_results.csv"));
  ASSERT_TRUE(Swept(market.Sweep(), {.folder = options.folder, .restart = true}).ok());
  ASSERT_TRUE(Swept(market.Sweep(), {.folder = market / "new"}).ok());
  EXPECT_EQ(FilesOf(market / "out"), FilesOf(market / "new"));
}

TEST(Sweep, AFolderWithSomethingElse) {
  const Market market;
  std::filesystem::create_directory(market / "out");
  connectors::WriteBytes(market / "out/sweep.json", "[1");
  ExpectOptionError(Swept(market.Sweep(), {.folder = market / "out"}).status(),
                    "that is of no sweep which Sabot began");
}

// --- errors of one row ---

TEST(Sweep, ASecurityThatCannotBeRead) {
  const Market market;
  connectors::WriteBytes(market / "broken.parquet", "no ticks");
  // Damaged in its last pages, which are found when many ticks were already simulated.
  std::string bytes = BytesOf(market / "beta.parquet");
  for (std::size_t at = bytes.size() / 2; at < bytes.size() / 2 + 64; ++at) bytes[at] = static_cast<char>(~bytes[at]);
  connectors::WriteBytes(market / "damaged.bytes", bytes);
  auto plan = market.Sweep();
  ASSERT_EQ(plan.securities.size(), 4U);
  plan.securities.push_back({.security = "DAMAGED", .path = market / "damaged.bytes", .rows = 4'500, .error = ""});
  const auto result = Swept(plan, {.batch_rows = 100}, 2).ValueOrDie();
  EXPECT_EQ(SweptText(result), IsolatedText(plan));
  EXPECT_EQ(result.simulations_failed, 24);
  EXPECT_EQ(NumberAt(*result.by_set, "failed", 3), 2);
  EXPECT_EQ(NumberAt(*result.by_set, "securities", 3), 3);
  EXPECT_EQ(NumberAt(*result.by_set, "market_dates", 3), 5);
}

TEST(Sweep, AFileFromWhichEveryRowWasRejectedFails) {
  const Market market;
  WriteTickFile(market / "alpha.parquet", "ALPHA", {}, "", 12);
  const auto plan = market.Sweep(R"({"queue": ["fifo", "risk_averse"]})");
  const auto result = Swept(plan).ValueOrDie();
  EXPECT_EQ(result.simulations_failed, 2);
  EXPECT_EQ(SweptText(result), IsolatedText(plan));
}

TEST(Sweep, AFileWithoutTicks) {
  const TemporaryFolder folder;
  WriteTickFile(folder / "empty.parquet", "EMPTY", {});
  WriteTickFile(folder / "one.parquet", "ONE", {{1, 10, 100, TickType::kBid}});
  const StrategyInfo* info = FindStrategy("v1_baseline").ValueOrDie();
  const SweepPlan plan{.run = {*info, StrategyConfig::Parse("{}", info->parameters).ValueOrDie()},
                       .securities = FindTicks({folder / ""}).ValueOrDie().ticks,
                       .sets = GridSets(kGrid).ValueOrDie()};
  const auto result = Swept(plan, {}, 2).ValueOrDie();
  EXPECT_EQ(SweptText(result), IsolatedText(plan));
  EXPECT_EQ(result.simulations_failed, 0);
  EXPECT_EQ(result.trials, 0);
  EXPECT_EQ(NumberAt(*result.by_set, "market_dates", 0), 0);
  EXPECT_TRUE(std::isnan(NumberAt(*result.by_set, "sharpe", 0)));
}

// Fails once it has seen `fails_at` ticks.
class Failing final : public Strategy {
 public:
  explicit Failing(const Settings& settings) : left_(settings.number("fails_at")) {}
  arrow::Status OnTick(const Moment&, Orders&) override {
    return --left_ > 0 ? arrow::Status::OK() : arrow::Status::Invalid("no more of this");
  }

 private:
  double left_;
};

const StrategyInfo& FailingInfo() {
  static const StrategyInfo info{
      .name = "failing",
      .summary = "Fails.",
      .source = "",
      .parameters = {{.name = "fails_at", .standard = 1e9, .least = 0, .most = 1e9, .doc = "Ticks."}},
      .make = [](const Settings& settings) -> arrow::Result<std::unique_ptr<Strategy>> {
        if (settings.number("fails_at") == 0) {
          return arrow::Status::Invalid("cannot be made");
        }
        return std::make_unique<Failing>(settings);
      }};
  return info;
}

TEST(Sweep, ASetThatFails) {
  const Market market;
  SweepPlan plan{{FailingInfo(), StrategyConfig::Parse("{}", FailingInfo().parameters).ValueOrDie()},
                 FindTicks({market / ""}).ValueOrDie().ticks,
                 GridSets(R"({"fails_at": [5000, 4100, 1, 0]})").ValueOrDie()};
  const auto result = Swept(plan, {.batch_rows = 500, .folder = market / "out"}, 2).ValueOrDie();
  EXPECT_EQ(SweptText(result), IsolatedText(plan));
  EXPECT_EQ(result.simulations_failed, 1 + 3 + 3);  // BETA has 4,500 ticks.
  EXPECT_EQ(Swept(plan, {.batch_rows = 500, .folder = market / "out"}).ValueOrDie().simulations_resumed, 12);
}

TEST(Sweep, ASetThatFailsChangesNoOther) {
  const Market market;
  SweepPlan plan{{FailingInfo(), StrategyConfig::Parse("{}", FailingInfo().parameters).ValueOrDie()},
                 FindTicks({market / ""}).ValueOrDie().ticks,
                 GridSets(R"({"fails_at": [5000, 2500, 1, 0, 4100]})").ValueOrDie()};
  std::vector<std::shared_ptr<arrow::Table>> alone;
  for (const auto& set : plan.sets.sets) {
    SweepPlan one = plan;
    one.sets.sets = {set};
    alone.push_back(Swept(one).ValueOrDie().by_set->RemoveColumn(0).ValueOrDie());
  }
  const auto expected = arrow::ConcatenateTables(alone).ValueOrDie()->CombineChunks().ValueOrDie();
  std::vector<double> dates;
  for (int64_t set = 0; set < 5; ++set) dates.push_back(NumberAt(*expected, "market_dates", set));
  EXPECT_EQ(dates, (std::vector<double>{5, 1, 0, 0, 5}));  // ALPHA has one date, GAMMA five.
  for (const int64_t sets_per_scan : {1, 2, 3, 5}) {
    for (const int threads : {1, 3}) {
      const auto result = Swept(plan, {.sets_per_scan = sets_per_scan}, threads).ValueOrDie();
      EXPECT_TRUE(result.by_set->RemoveColumn(0).ValueOrDie()->Equals(*expected)) << sets_per_scan;
    }
  }
}

// --- the same as runs of their own, however it is done ---

TEST(Sweep, EqualsIsolatedRuns) {
  const Market market;
  const auto plan = market.Sweep();
  const std::string isolated = IsolatedText(plan);
  const auto first = Swept(plan).ValueOrDie();
  EXPECT_EQ(SweptText(first), isolated);
  EXPECT_GT(NumberAt(*first.by_set, "trades", 0), 100);
  for (const int64_t batch_rows : {1, 7, 100'000}) {
    const auto result = Swept(plan, {.batch_rows = batch_rows}, 2).ValueOrDie();
    EXPECT_TRUE(result.table->Equals(*first.table)) << batch_rows;
    EXPECT_TRUE(result.by_set->Equals(*first.by_set)) << batch_rows;
  }
  for (const int64_t sets_per_scan : {1, 5, 12}) {
    const auto result = Swept(plan, {.sets_per_scan = sets_per_scan}, 3).ValueOrDie();
    EXPECT_TRUE(result.table->CombineChunks().ValueOrDie()->Equals(*first.table)) << sets_per_scan;
    EXPECT_TRUE(result.by_set->Equals(*first.by_set)) << sets_per_scan;
  }
}

TEST(Sweep, TheSameBytesInAnyOrderOfWork) {
  const Market market;
  const auto plan = market.Sweep();
  ASSERT_TRUE(Swept(plan, {.folder = market / "out"}).ok());
  const auto files = FilesOf(market / "out");
  EXPECT_EQ(files.size(), 6U);
  for (uint64_t seed = 0; seed < 5; ++seed) {
    const std::string folder = market / ("seed" + std::to_string(seed));
    env::NoInterrupt interrupt;
    const auto executor = env::MakeSeededExecutor(seed, 16);
    ASSERT_TRUE(RunSweep(plan, {.batch_rows = 300, .folder = folder}, *executor, interrupt, {}).ok());
    EXPECT_EQ(FilesOf(folder), files);
  }
}

// --- going on ---

TEST(Sweep, GoesOnWithWhatIsMissing) {
  const Market market;
  const auto plan = market.Sweep();
  const SweepOptions options{.sets_per_scan = 5, .folder = market / "out"};
  EXPECT_EQ(Swept(plan, options).ValueOrDie().simulations_resumed, 0);
  const auto files = FilesOf(options.folder);
  EXPECT_EQ(files.size(), 3 + 9);
  EXPECT_EQ(Swept(plan, options).ValueOrDie().simulations_resumed, 36);  // Nothing to do.
  EXPECT_EQ(FilesOf(options.folder), files);

  std::filesystem::remove(options.folder + "/sweep_parts/alpha-0.arrow");
  std::filesystem::remove(options.folder + "/sweep_parts/gamma-10.arrow");
  const std::string torn = options.folder + "/sweep_parts/beta-5.arrow";
  connectors::WriteBytes(torn, BytesOf(torn).substr(0, 1'000));
  connectors::WriteBytes(options.folder + "/sweep_parts/beta-0.arrow",
                         BytesOf(options.folder + "/sweep_parts/alpha-5.arrow"));  // Read as one of BETA.
  std::filesystem::remove(options.folder + "/sweep_results.csv");
  EXPECT_EQ(Swept(plan, options, 2).ValueOrDie().simulations_resumed, 36 - 5 - 2 - 5 - 5);
  EXPECT_EQ(FilesOf(options.folder), files);
}

TEST(Sweep, GoesOnWithScansOfAnotherSize) {
  const Market market;
  const auto plan = market.Sweep();
  const auto tables_of = [](const std::string& folder) {
    return BytesOf(folder + "/sweep_results.csv") + BytesOf(folder + "/sweep_summary.csv") +
           BytesOf(folder + "/sweep.json");
  };
  ASSERT_TRUE(Swept(plan, {.folder = market / "whole"}).ok());
  const std::string folder = market / "out";
  const auto part = [&](const std::string& name) { return folder + "/sweep_parts/" + name + ".arrow"; };
  ASSERT_TRUE(Swept(plan, {.sets_per_scan = 5, .folder = folder}).ok());
  EXPECT_EQ(tables_of(folder), tables_of(market / "whole"));
  for (const int64_t sets_per_scan : {12, 1, 3, 2}) {
    std::filesystem::remove(part("alpha-0"));
    std::filesystem::remove(part("beta-5"));
    std::filesystem::remove(part("gamma-10"));
    const auto resumed = Swept(plan, {.sets_per_scan = sets_per_scan, .folder = folder}, 2).ValueOrDie();
    EXPECT_GE(resumed.simulations_resumed, 36 - 12) << sets_per_scan;
    EXPECT_LT(resumed.simulations_resumed, 36) << sets_per_scan;
    EXPECT_EQ(tables_of(folder), tables_of(market / "whole")) << sets_per_scan;
  }

  // Of two parts with the same sets one is taken: that which begins first.
  std::filesystem::copy_file(part("beta-0"), market / "held");
  std::filesystem::remove(part("beta-0"));
  std::filesystem::remove(part("beta-5"));
  ASSERT_TRUE(Swept(plan, {.sets_per_scan = 2, .folder = folder}).ok());
  EXPECT_TRUE(std::filesystem::exists(part("beta-2")));
  std::filesystem::copy_file(market / "held", part("beta-0"), std::filesystem::copy_options::overwrite_existing);
  EXPECT_GE(Swept(plan, {.folder = folder}).ValueOrDie().simulations_resumed, 34);
  EXPECT_EQ(tables_of(folder), tables_of(market / "whole"));
}

class StopsAtOnce final : public env::Interrupt {
 public:
  arrow::Status Check() override { return arrow::Status::Cancelled("by hand"); }
};

TEST(Sweep, IsInterrupted) {
  const Market market;
  auto plan = market.Sweep(R"({"refill_interval_sec": [1], "quote_size": [100]})");
  for (auto& ticks : plan.securities) ticks.path = market / "endless.parquet";
  WriteTickFile(market / "endless.parquet", "ENDLESS", WanderingTicks(1, 1, 50'000));
  StopsAtOnce interrupt;
  plan.sets.sets.resize(2'000, plan.sets.sets[0]);  // Seconds of work.
  const auto result = RunSweep(plan, {.batch_rows = 64}, *env::MakeTbbExecutor(2), interrupt, {});
  EXPECT_TRUE(result.status().IsCancelled());
  EXPECT_EQ(result.status().message(), "by hand");
}

TEST(Sweep, TellsItsProgress) {
  const Market market;
  const auto plan = market.Sweep();
  SweepProgress last;
  env::NoInterrupt interrupt;
  ASSERT_TRUE(RunSweep(plan, {}, *env::MakeTbbExecutor(1), interrupt, [&](const SweepProgress& progress) {
                EXPECT_GE(progress.fraction, last.fraction);
                EXPECT_GE(progress.ticks, last.ticks);
                last = progress;
                return arrow::Status::OK();
              }).ok());
  EXPECT_EQ(last.simulations, 36);
  EXPECT_EQ(last.simulations_all, 36);
  EXPECT_EQ(last.ticks, 12 * (2'000 + 4'500 + 4'000));
  EXPECT_NEAR(last.fraction, 1, 1e-12);
}

TEST(Sweep, AnInterruptedStrategyEndsTheSweep) {
  const Market market;
  auto plan = market.Sweep(R"({"queue": ["fifo", "risk_averse"]})", "{}");
  for (const auto& status : {Interrupted(), arrow::Status::Cancelled("it gave up")}) {
    for (const bool in_make : {false, true}) {
      plan.run = EndingPlan(status, in_make);
      const auto result = Swept(plan, {}, 2);
      if (IsInterrupted(status)) {
        EXPECT_TRUE(IsInterrupted(result.status())) << result.status();
      } else {
        EXPECT_EQ(result.ValueOrDie().simulations_failed, 6);
      }
    }
  }
}

// --- what sets come to ---

TEST(Sweep, AddsUpSecurities) {
  const Market market;
  const auto plan = market.Sweep();
  const auto result = Swept(plan).ValueOrDie();
  ASSERT_EQ(result.by_set->num_rows(), 12);
  for (int64_t set = 0; set < 12; ++set) {
    // The dates of all are the first ones of GAMMA's.
    std::vector<double> daily(5, 0);
    double realized = 0;
    double fees = 0;
    const RunPlan run{plan.run.strategy, plan.run.config.With(plan.sets.Set(set)).ValueOrDie()};
    for (const auto& ticks : plan.securities) {
      const auto one = RunSecurity(run, ticks, {}, [](int64_t) { return arrow::Status::OK(); }).ValueOrDie();
      for (std::size_t day = 0; day < one.summary.outcome->daily_pnl.size(); ++day) {
        daily[day] += one.summary.outcome->daily_pnl[day];
      }
      realized += one.summary.outcome->realized_pnl;
      fees += one.summary.outcome->fees;
    }
    EXPECT_EQ(NumberAt(*result.by_set, "realized_pnl", set), realized);
    EXPECT_EQ(NumberAt(*result.by_set, "fees", set), fees);
    EXPECT_EQ(NumberAt(*result.by_set, "pnl", set), realized - fees);
    EXPECT_EQ(NumberAt(*result.by_set, "market_dates", set), 5);
    EXPECT_EQ(NumberAt(*result.by_set, "rows", set), 2'000 + 4'500 + 4'000);
    EXPECT_EQ(NumberAt(*result.by_set, "sharpe", set), AnnualSharpe(daily).value());
    EXPECT_EQ(NumberAt(*result.table, "set", 3 * set + 2), static_cast<double>(set));
    EXPECT_GT(NumberAt(*result.by_set, "deflated_sharpe", set), 0);
    EXPECT_LT(NumberAt(*result.by_set, "deflated_sharpe", set), 1);
  }
  EXPECT_EQ(result.trials, 12);
}

TEST(Sweep, WritesItsTables) {
  const Market market;
  ASSERT_TRUE(Swept(market.Sweep(), {.folder = market / "out"}).ok());
  const std::string results = BytesOf(market / "out/sweep_results.csv");
  EXPECT_TRUE(
      results.starts_with("set,security,refill_interval_sec,quote_size,queue,trades,realized_pnl,market_dates,"
                          "strategy_dates,final_position,volume,fees,max_drawdown,sharpe,win_rate,rows,"
                          "rejected,error\n0,ALPHA,5,100,fifo,"));
  EXPECT_NE(results.find("\n11,GAMMA,0.5,7000,risk_averse,"), std::string::npos);
  EXPECT_NE(results.find(",4500,4,\n"), std::string::npos);  // Rows, rejected rows, no error.
  const std::string summary = BytesOf(market / "out/sweep_summary.csv");
  EXPECT_TRUE(
      summary.starts_with("set,refill_interval_sec,quote_size,queue,securities,failed,trades,realized_pnl,fees,"
                          "pnl,volume,market_dates,strategy_dates,rows,max_drawdown,sharpe,deflated_sharpe\n"
                          "0,5,100,fifo,3,0,"));
}

}  // namespace
}  // namespace sabot::backtest
