// Which tasks a stream becomes.
#include "sabot/engine/planner.h"

#include <gtest/gtest.h>

#include "sabot/data/errors.h"
#include "sabot/engine/stream.h"
#include "sabot/kernels/online_statistics.h"
#include "tests/operators/sample_ticks.h"

namespace sabot::engine {
namespace {

using graph::EdgeKind;

Stream Ticks(bool at_rest = true, int partitions = 1, std::vector<std::string> partitioned_by = {}) {
  const auto rows = operators::SampleTicks();
  const OpenSource none = [](const auto&) { return arrow::Status::NotImplemented("is not run"); };
  return Stream::FromSource("ticks", rows->schema(),
                            {.partitions = std::vector<OpenSource>(static_cast<std::size_t>(partitions), none),
                             .at_rest = at_rest,
                             .partitioned_by = std::move(partitioned_by)})
      .ValueOrDie();
}

// Copies of each chain, from the source to the sink.
std::vector<int> Chains(const PlannedJob& job) {
  std::vector<int> copies;
  for (const auto& chain : job.graph.chains()) copies.push_back(chain.parallelism);
  return copies;
}
std::vector<EdgeKind> Kinds(const PlannedJob& job) {
  std::vector<EdgeKind> kinds;
  for (const auto& edge : job.graph.edges()) kinds.push_back(edge.kind);
  return kinds;
}
PlannedJob Planned(const Stream& stream, PlanOptions options = {}) {
  return PlanJob(*stream.plan(), options).ValueOrDie();
}

TEST(Planner, ANumberForAllReplacesThoseAboveOne) {
  const auto many = Ticks().Parallelism(4).ValueOrDie().Filter("price > 0").ValueOrDie();
  const auto one = many.Parallelism(1).ValueOrDie().Filter("price > 1").ValueOrDie();
  const auto stream = one.Parallelism(3).ValueOrDie().Kernel<kernels::Ewma>({.alpha = 0.1}).ValueOrDie();
  EXPECT_EQ(Chains(Planned(stream, {.parallelism = 2})), (std::vector<int>{1, 4, 1, 3, 1}));
  EXPECT_EQ(Chains(Planned(stream, {.parallelism = 2, .for_all = true})), (std::vector<int>{1, 2, 1, 2, 1}));
  EXPECT_EQ(Chains(Planned(stream, {.parallelism = 1, .for_all = true})), (std::vector<int>{1}));
  EXPECT_EQ(Chains(Planned(stream, {.for_all = true})), (std::vector<int>{1, 4, 1, 3, 1})) << "there is no number";
}

TEST(Planner, OneWithStateAndNoKeyHasOneCopyOrIsRefusedByName) {
  const auto ticks = Ticks().Parallelism(3).ValueOrDie();
  const auto stream = ticks.DataQuality({.by = {"symbol"}}).ValueOrDie();
  const auto status = PlanJob(*stream.plan(), {}).status();
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kOption);
  EXPECT_NE(status.message().find("data_quality"), std::string::npos) << status;
  EXPECT_EQ(Chains(Planned(Ticks().DataQuality({.by = {"symbol"}}).ValueOrDie(), {.parallelism = 3})),
            (std::vector<int>{1}));
}

TEST(Planner, APairsKernelsHaveOneCopyWhateverIsAskedFor) {
  const auto pair = [](const Stream& stream, const char* kernel, const char* symbol_b) {
    return stream
        .Kernel({.kernel = kernel,
                 .options = {{"symbol_a", std::string("A")}, {"symbol_b", std::string(symbol_b)}},
                 .outputs = {{kernel == std::string("hayashi_yoshida_cov") ? "hy_cov" : "hy_corr",
                              std::string(kernel) + symbol_b}}})
        .ValueOrDie();
  };
  const auto ticks = Ticks(true, 2, {"symbol"}).Parallelism(3)->Kernel<kernels::Ewma>({.alpha = 0.1}).ValueOrDie();
  const auto one = pair(pair(ticks, "hayashi_yoshida_cov", "B"), "hayashi_yoshida_corr", "B");
  const auto two = pair(one, "hayashi_yoshida_corr", "C").Kernel({.kernel = "sma"}).ValueOrDie();
  const auto job = Planned(two, {.parallelism = 4, .for_all = true});
  std::vector<std::string> names;
  std::vector<int> copies;
  for (const auto& op : job.graph.job().operators()) names.push_back(op.name), copies.push_back(op.parallelism);
  EXPECT_EQ(names, (std::vector<std::string>{"ticks", "check that no symbol is in two partitions", "ewma",
                                             "hayashi_yoshida_cov, hayashi_yoshida_corr", "hayashi_yoshida_corr", "sma",
                                             "sink"}));
  EXPECT_EQ(copies, (std::vector<int>{2, 2, 4, 1, 1, 4, 1}));
}

TEST(Planner, RangesThatCannotBeAreRefusedAtOnceOrByTheStep) {
  const auto kind = [](const arrow::Status& status) { return data::KindOf(status); };
  EXPECT_EQ(kind(Ticks().Ranged("prise", "[1]").status()), data::ErrorKind::kSchema);
  for (const char* bounds : {"[2, 1]", "[1, 1]", "[\"a\"]", "[null]", "{}", "[1"}) {
    EXPECT_EQ(kind(Ticks().Ranged("price", bounds).status()), data::ErrorKind::kOption) << bounds;
  }
  const auto ranged = Ticks().Ranged("price", "[10, 20]").ValueOrDie();
  const auto other_number = ranged.Parallelism(2)->Filter("price > 0").ValueOrDie();
  const auto status = PlanJob(*other_number.plan(), {}).status();
  EXPECT_EQ(kind(status), data::ErrorKind::kOption);
  EXPECT_NE(status.message().find("range_bounds needs 1 bounds, found 2"), std::string::npos) << status;
  const auto splits_keys = ranged.Kernel<kernels::Ewma>({.alpha = 0.1}).ValueOrDie();
  EXPECT_NE(PlanJob(*splits_keys.plan(), {}).status().message().find("keeps rows of one 'symbol' together"),
            std::string::npos);
  const auto in_turn = Ticks().Rebalanced().Parallelism(2)->Kernel<kernels::Ewma>({.alpha = 0.1}).ValueOrDie();
  EXPECT_EQ(kind(PlanJob(*in_turn.plan(), {}).status()), data::ErrorKind::kOption);
  const auto one_state = ranged.DataQuality({.by = {"symbol"}}).ValueOrDie();
  EXPECT_EQ(kind(PlanJob(*one_state.plan(), {}).status()), data::ErrorKind::kOption);
}

TEST(Planner, RangesLeadToOneCopyEachAndToTheNextStepOnly) {
  const auto step = Ticks().Ranged("price", "[10, 20.5]")->Filter("price > 0").ValueOrDie();
  const auto job = Planned(step, {.threads = 5});
  EXPECT_EQ(Chains(job), (std::vector<int>{1, 3, 1}));
  EXPECT_EQ(Kinds(job), (std::vector<EdgeKind>{EdgeKind::kRange, EdgeKind::kRebalance}));
  EXPECT_EQ(job.graph.edges()[0].keys, (std::vector<std::string>{"price"}));
  EXPECT_EQ(job.graph.edges()[0].range_bounds, "[10,20.5]");
  EXPECT_EQ(job.carried, Carried::kPlaces);
  EXPECT_NE(step.Explain().find("partition by range of price: [10, 20.5]\nfilter"), std::string::npos);
  const auto two = step.Filter("price < 100").ValueOrDie();
  EXPECT_EQ(Kinds(Planned(two, {.parallelism = 4})),
            (std::vector<EdgeKind>{EdgeKind::kRange, EdgeKind::kRebalance, EdgeKind::kRebalance}));
}

TEST(Planner, ARangeOfTheKeyKeepsItTogetherAndKernelsOnBothSidesApart) {
  const auto first = Ticks().Kernel<kernels::Ewma>({.alpha = 0.1}).ValueOrDie();
  const auto ranged = first.Ranged("symbol", "[\"B\"]").ValueOrDie();
  const auto second = ranged.Kernel<kernels::Ewma>({.alpha = 0.2}, {.outputs = {{"ewma", "slow"}}}).ValueOrDie();
  const auto job = Planned(second, {.parallelism = 3});
  EXPECT_EQ(Chains(job), (std::vector<int>{1, 3, 2, 1}));
  EXPECT_EQ(Kinds(job), (std::vector<EdgeKind>{EdgeKind::kHash, EdgeKind::kRange, EdgeKind::kRebalance}));
}

TEST(Planner, InTurnOnRequestWhereCopiesWouldGoOnAlone) {
  const auto ticks = Ticks(true, 3).Parallelism(3).ValueOrDie();
  EXPECT_EQ(Chains(Planned(ticks.Filter("price > 0").ValueOrDie())), (std::vector<int>{3, 1}));
  const auto asked = Planned(ticks.Rebalanced().Filter("price > 0").ValueOrDie());
  EXPECT_EQ(Chains(asked), (std::vector<int>{3, 3, 1}));
  EXPECT_EQ(Kinds(asked), (std::vector<EdgeKind>{EdgeKind::kRebalance, EdgeKind::kRebalance}));
}

TEST(Planner, WithOneCopyOfEachStepThereIsOneTask) {
  const auto stream = Ticks().Filter("price > 0").ValueOrDie().Kernel<kernels::Ewma>({.alpha = 0.1}).ValueOrDie();
  const auto job = Planned(stream, {.parallelism = 1, .threads = 4});
  EXPECT_EQ(Chains(job), (std::vector<int>{1}));
  EXPECT_EQ(job.carried, Carried::kNothing);
}

TEST(Planner, StepsWithoutStateHaveACopyAThreadWhereAllRowsAreThere) {
  const auto stream = Ticks().Filter("price > 0").ValueOrDie();
  const auto job = Planned(stream, {.threads = 4});
  EXPECT_EQ(Chains(job), (std::vector<int>{1, 4, 1}));
  EXPECT_EQ(Kinds(job), (std::vector<EdgeKind>{EdgeKind::kRebalance, EdgeKind::kRebalance}));
  EXPECT_EQ(job.carried, Carried::kPlaces);
  EXPECT_EQ(Chains(Planned(Ticks(/*at_rest=*/false).Filter("price > 0").ValueOrDie(), {.threads = 4})),
            (std::vector<int>{1}));
}

TEST(Planner, StepsWithAKeyAreShuffledByIt) {
  const auto stream = Ticks().Kernel<kernels::Ewma>({.alpha = 0.1}).ValueOrDie().Filter("ewma > 0").ValueOrDie();
  const auto job = Planned(stream, {.parallelism = 3});
  EXPECT_EQ(Chains(job), (std::vector<int>{1, 3, 1}));
  EXPECT_EQ(Kinds(job), (std::vector<EdgeKind>{EdgeKind::kHash, EdgeKind::kRebalance}));
  EXPECT_EQ(job.graph.edges()[0].keys, (std::vector<std::string>{"symbol"}));
}

TEST(Planner, WhatIsDividedByTheKeyIsNotShuffledAgainUnlessTheKeyIsMadeAnew) {
  const auto first = Ticks().Kernel<kernels::Ewma>({.alpha = 0.1}).ValueOrDie();
  const auto kept = first.WithColumns({{.name = "twice", .expression = *operators::ParseExpression("price * 2")}});
  const auto same = kept->Kernel<kernels::Ewma>({.alpha = 0.2}, {.outputs = {{"ewma", "slow"}}}).ValueOrDie();
  EXPECT_EQ(Chains(Planned(same, {.parallelism = 3})), (std::vector<int>{1, 3, 1}));
  const auto other = first.WithColumns({{.name = "symbol", .expression = *operators::ParseExpression("'all'")}});
  const auto again = other->Kernel<kernels::Ewma>({.alpha = 0.2}, {.outputs = {{"ewma", "slow"}}}).ValueOrDie();
  EXPECT_EQ(Chains(Planned(again, {.parallelism = 3})), (std::vector<int>{1, 3, 3, 1}));
}

TEST(Planner, AStepsOwnNumberWins) {
  const auto four = Ticks().Parallelism(4)->Filter("price > 0").ValueOrDie();
  const auto stream = four.Parallelism(2)->Kernel<kernels::Ewma>({.alpha = 0.1}).ValueOrDie();
  EXPECT_EQ(Chains(Planned(stream, {.parallelism = 7})), (std::vector<int>{1, 4, 2, 1}));
  EXPECT_FALSE(Ticks().Parallelism(-1).ok());
}

TEST(Planner, PartitionsThatShareNoKeyNeedNoShuffle) {
  const auto stream = Ticks(true, 3, {"symbol"}).Kernel<kernels::Ewma>({.alpha = 0.1}).ValueOrDie();
  const auto job = Planned(stream, {.threads = 2});
  EXPECT_EQ(Chains(job), (std::vector<int>{3, 1}));
  EXPECT_EQ(job.carried, Carried::kTimes);  // The sink merges three sources.
  const auto shared = Ticks(true, 3).Kernel<kernels::Ewma>({.alpha = 0.1}).ValueOrDie();
  EXPECT_EQ(Kinds(Planned(shared, {.threads = 2})), (std::vector<EdgeKind>{EdgeKind::kHash}));
}

TEST(Planner, SourcesHaveRanksAndOneThatIsUsedTwiceHasOne) {
  const auto one = Ticks();
  const auto stream = one.Union({Ticks(true, 2, {"symbol"}), one.Filter("price > 0").ValueOrDie()}).ValueOrDie();
  const auto job = Planned(stream);
  std::vector<int32_t> ranks;
  for (std::size_t op = 0; op < job.steps.size(); ++op) {
    if (job.steps[op] != nullptr && std::holds_alternative<SourceStep>(job.steps[op]->step)) {
      ranks.push_back(job.first_rank[op]);
    }
  }
  EXPECT_EQ(ranks, (std::vector<int32_t>{0, 1, 0}));
}

TEST(Planner, SinksAreFedByTheirKey) {
  const auto job = Planned(Ticks(), {.sink_partitions = 4, .sink_key = {"symbol"}});
  EXPECT_EQ(Chains(job), (std::vector<int>{1, 4}));
  EXPECT_EQ(Kinds(job), (std::vector<EdgeKind>{EdgeKind::kHash}));
}

}  // namespace
}  // namespace sabot::engine
