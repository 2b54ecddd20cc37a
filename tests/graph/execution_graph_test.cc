#include "sabot/graph/execution_graph.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include <set>

#include "tests/graph/sample_jobs.h"

namespace sabot::graph {
namespace {

ExecutionGraph Planned(JobGraph job) {
  auto graph = ExecutionGraph::Make(std::move(job));
  EXPECT_TRUE(graph.ok()) << graph.status().ToString();
  return std::move(graph).ValueOrDie();
}

arrow::Status Refused(JobGraph job) { return ExecutionGraph::Make(std::move(job)).status(); }

const ShuffleEdge& EdgeTo(const ExecutionGraph& graph, const std::string& to, int input = 0) {
  for (const auto* edges : {&graph.edges(), &graph.forward_edges()}) {
    for (const ShuffleEdge& edge : *edges) {
      if (graph.job().operators()[edge.to].id == to && edge.input == input) return edge;
    }
  }
  ADD_FAILURE() << "no edge to " << to;
  static const ShuffleEdge kNone;
  return kNone;
}

EdgeKind KindTo(const ExecutionGraph& graph, const std::string& to, int input = 0) {
  return EdgeTo(graph, to, input).kind;
}

// Operators one after the other.
JobGraph Line(std::vector<Operator> operators, std::vector<Edge> asked = {}) {
  JobGraph job("line");
  for (const Operator& op : operators) AddTo(job, op);
  for (std::size_t at = 1; at < operators.size(); ++at) {
    Edge edge = at <= asked.size() ? asked[at - 1] : Edge{};
    edge.from = operators[at - 1].id;
    edge.to = operators[at].id;
    ConnectIn(job, edge);
  }
  return job;
}

Operator Source(int parallelism, std::vector<std::string> partitioned_by = {}) {
  return {.id = "ticks", .type = "source", .parallelism = parallelism, .partitioned_by = std::move(partitioned_by)};
}
Operator Keyed(std::string id, int parallelism, std::vector<std::string> key, bool keeps_columns = true) {
  return {.id = std::move(id),
          .type = "kernel",
          .parallelism = parallelism,
          .stateful = true,
          .key_by = std::move(key),
          .keeps_columns = keeps_columns};
}
Operator Plain(std::string id, int parallelism, bool keeps_columns) {
  return {.id = std::move(id), .type = "map", .parallelism = parallelism, .keeps_columns = keeps_columns};
}

// --- wrong use ---

TEST(ExecutionGraph, RefusesGraphsWithoutBeginning) {
  ExpectOptionError(Refused(JobGraph("")), "job's id is empty");
  ExpectOptionError(Refused(JobGraph("job", 0)), "key_groups");
  ExpectOptionError(Refused(JobGraph("job")), "'job' has no operator");
  JobGraph job("job");
  AddTo(job, {.id = "sorce", .type = "sorce"});
  ExpectOptionError(Refused(job), "operator 'sorce' (sorce) has no input");
}

TEST(ExecutionGraph, RefusesDanglingOperators) {
  JobGraph job = FraudJob();
  AddTo(job, {.id = "lost", .type = "map"});
  ExpectOptionError(Refused(job), "operator 'lost' (map) has no input");
  ConnectIn(job, {.from = "enrich", .to = "lost"});
  ExpectOptionError(Refused(job), "operator 'lost': nothing takes its rows", "sink");
  JobGraph forked = Line({Source(1), Plain("a", 1, true)});
  AddTo(forked, Plain("b", 1, true));
  ConnectIn(forked, {.from = "ticks", .to = "b"});
  ExpectOptionError(Refused(forked), "operator 'a'", "the same goes for 'b'");
}

TEST(ExecutionGraph, RefusesInputsWithAGap) {
  JobGraph job = Line({Source(1), {.id = "both", .type = "union"}});
  ConnectIn(job, {.from = "ticks", .to = "both", .input = 2});
  ExpectOptionError(Refused(job), "operator 'both'", "input 1", "input 2");
}

TEST(ExecutionGraph, RefusesKindsThatDoNotFit) {
  ExpectOptionError(Refused(Line({Source(4), Plain("a", 2, true)}, {{.kind = EdgeKind::kForward}})), "'ticks' -> 'a'",
                    "'ticks' has 4", "'a' 2");
  ExpectOptionError(Refused(Line({Source(4), Plain("a", 2, true)}, {{.kind = EdgeKind::kHash}})), "key of 'a'",
                    "key_by");
  ExpectOptionError(Refused(Line({Source(4), Keyed("a", 4, {"symbol"})}, {{.kind = EdgeKind::kForward}})), "'symbol'",
                    "nothing proves", "partitioned_by");
  ExpectOptionError(Refused(Line({Source(4), Keyed("a", 4, {"symbol"})}, {{.kind = EdgeKind::kRebalance}})), "'symbol'",
                    "REBALANCE");
  const Edge range{.kind = EdgeKind::kRange, .range_by = {"price"}, .range_bounds = "[1, 2]"};
  ExpectOptionError(Refused(Line({Source(4), Plain("a", 4, true)}, {range})), "'a' has 4 copies", "needs 3", "found 2");
  ExpectOptionError(Refused(Line({Source(4), Keyed("a", 3, {"symbol"})}, {range})), "'symbol'", "RANGE of 'price'");
}

TEST(ExecutionGraph, RefusesInputsDividedInDifferentWays) {
  JobGraph job("join");
  AddTo(job, Source(2));
  AddTo(job, {.id = "quotes", .type = "source", .parallelism = 2});
  AddTo(job, Keyed("join", 2, {"symbol"}));
  ConnectIn(job, {.from = "ticks", .to = "join"});
  ConnectIn(job, {.from = "quotes",
                  .to = "join",
                  .input = 1,
                  .kind = EdgeKind::kRange,
                  .range_by = {"symbol"},
                  .range_bounds = R"(["M"])"});
  ExpectOptionError(Refused(job), "operator 'join'", "'symbol'", "divided in different ways");
}

TEST(ExecutionGraph, RefusesMoreThanFitsInMemory) {
  JobGraph job("job", kKeyGroupsMax);
  AddTo(job, {.id = "a", .type = "source", .parallelism = kKeyGroupsMax});
  AddTo(job, Keyed("b", kKeyGroupsMax, {"symbol"}));
  ConnectIn(job, {.from = "a", .to = "b"});
  ExpectOptionError(Refused(job), "'a' -> 'b'", "32768 x 32768 channels", "4000000");
  JobGraph wide("job", kKeyGroupsMax);
  for (int at = 0; at < 31; ++at) {
    const std::string id = "s" + std::to_string(at);
    AddTo(wide, {.id = id, .type = "source", .parallelism = kKeyGroupsMax});
    AddTo(wide, {.id = id + "_out", .type = "sink", .parallelism = kKeyGroupsMax});
    ConnectIn(wide, {.from = id, .to = id + "_out"});
  }
  ExpectOptionError(Refused(wide), "'job'", "2031616 copies", "1000000");
}

// --- the rules ---

TEST(ExecutionGraph, PlansTheFraudExample) {
  const ExecutionGraph graph = Planned(FraudJob());
  EXPECT_EQ(graph.vertices().size(), 27);
  EXPECT_EQ(graph.tasks(), 17);
  ASSERT_EQ(graph.chains().size(), 3);
  EXPECT_EQ(graph.chains()[0].operators, (std::vector<int>{0, 1}));
  EXPECT_EQ(graph.chains()[0].parallelism, 10);
  EXPECT_EQ(graph.chains()[1].parallelism, 5);
  EXPECT_EQ(graph.chains()[2].parallelism, 2);
  ASSERT_EQ(graph.forward_edges().size(), 1);
  EXPECT_EQ(graph.forward_edges()[0].channels.size(), 10);
  ASSERT_EQ(graph.edges().size(), 2);
  const ShuffleEdge& hash = graph.edges()[0];
  EXPECT_EQ(hash.kind, EdgeKind::kHash);
  EXPECT_EQ(hash.keys, (std::vector<std::string>{"user_id"}));
  EXPECT_EQ(hash.channels.size(), 50);
  EXPECT_EQ((std::set<std::pair<int, int>>(hash.channels.begin(), hash.channels.end()).size()), 50);
  EXPECT_EQ(hash.channels.back(), (std::pair<int, int>{9, 4}));
  EXPECT_EQ(graph.edges()[1].kind, EdgeKind::kRebalance);
  EXPECT_EQ(graph.edges()[1].channels.size(), 10);
  EXPECT_EQ(graph.edges()[1].from_chain, 1);
  EXPECT_EQ(graph.edges()[1].to_chain, 2);
  EXPECT_EQ(graph.vertices()[13].id, "enrich_3");
  EXPECT_EQ(graph.vertices()[13].copy, 3);
  EXPECT_EQ(graph.vertices()[13].chain, 0);
  EXPECT_EQ(graph.vertices()[26].id, "alerts_1");
  EXPECT_EQ(graph.vertices()[26].chain, 2);
}

TEST(ExecutionGraph, EqualParallelismProvesNothingOfAKey) {
  const auto graph = Planned(Line({Source(4), Plain("a", 4, true), Keyed("b", 4, {"symbol"})}));
  EXPECT_EQ(KindTo(graph, "a"), EdgeKind::kForward);
  EXPECT_EQ(KindTo(graph, "b"), EdgeKind::kHash);
  EXPECT_EQ(graph.chains().size(), 2);
}

TEST(ExecutionGraph, OneCopyEachIsForward) {
  const auto graph = Planned(Line({Source(1), Keyed("a", 1, {"symbol"}), Keyed("b", 1, {"venue"})}));
  EXPECT_EQ(graph.tasks(), 1);
  EXPECT_EQ(graph.edges().size(), 0);
  EXPECT_EQ(KindTo(Planned(Line({Source(1), Keyed("a", 2, {"symbol"})})), "a"), EdgeKind::kHash);
  EXPECT_EQ(KindTo(Planned(Line({Source(2), Keyed("a", 1, {"symbol"})})), "a"), EdgeKind::kHash);
  EXPECT_EQ(KindTo(Planned(Line({Source(2), Plain("a", 1, true)})), "a"), EdgeKind::kRebalance);
}

TEST(ExecutionGraph, AHashEdgeProvesItsKey) {
  const auto next = [](std::vector<std::string> key, bool keeps, int copies,
                       std::vector<std::string> first = {"a", "b"}) {
    return KindTo(Planned(Line({Source(2), Keyed("one", 4, std::move(first)), Plain("between", 4, keeps),
                                Keyed("two", copies, std::move(key))})),
                  "two");
  };
  EXPECT_EQ(next({"a", "b"}, true, 4), EdgeKind::kForward);
  EXPECT_EQ(next({"a", "b"}, false, 4), EdgeKind::kHash) << "the map may change a key";
  EXPECT_EQ(next({"a", "b"}, true, 3), EdgeKind::kHash) << "other copies";
  EXPECT_EQ(next({"b", "a"}, true, 4), EdgeKind::kHash) << "other key groups";
  EXPECT_EQ(next({"a"}, true, 4), EdgeKind::kHash) << "rows of one a are on several copies";
  EXPECT_EQ(next({"a", "b", "c"}, true, 4), EdgeKind::kHash) << "other key groups";
  EXPECT_EQ(KindTo(Planned(Line({Source(2), Keyed("one", 4, {"a"}, false), Keyed("two", 4, {"a"})})), "two"),
            EdgeKind::kHash);
}

TEST(ExecutionGraph, APartitionedSourceProvesItsKey) {
  const auto next = [](std::vector<std::string> partitioned_by, bool keeps, int copies) {
    return KindTo(Planned(Line({Source(4, std::move(partitioned_by)), Plain("between", 4, keeps),
                                Keyed("keyed", copies, {"a", "b"})})),
                  "keyed");
  };
  EXPECT_EQ(next({"a", "b"}, true, 4), EdgeKind::kForward);
  EXPECT_EQ(next({"b"}, true, 4), EdgeKind::kForward) << "rows of one (a, b) have one b";
  EXPECT_EQ(next({"a", "b", "c"}, true, 4), EdgeKind::kHash) << "rows of one (a, b) may have several c";
  EXPECT_EQ(next({}, true, 4), EdgeKind::kHash);
  EXPECT_EQ(next({"a"}, false, 4), EdgeKind::kHash);
  EXPECT_EQ(next({"a"}, true, 2), EdgeKind::kHash);
  const auto rebalanced = Planned(Line({Source(4, {"a"}), Plain("x", 2, true), Keyed("keyed", 2, {"a"})}));
  EXPECT_EQ(KindTo(rebalanced, "keyed"), EdgeKind::kHash) << "a REBALANCE edge mixes the partitions";
}

TEST(ExecutionGraph, FollowsWhatIsAskedFor) {
  const Edge range{.kind = EdgeKind::kRange, .range_by = {"symbol"}, .range_bounds = R"(["H", "P"])"};
  const auto graph = Planned(Line({Source(3), Plain("a", 3, true), Plain("b", 3, true), Keyed("c", 3, {"symbol"})},
                                  {{.kind = EdgeKind::kBroadcast}, {.kind = EdgeKind::kRebalance}, range}));
  EXPECT_EQ(KindTo(graph, "a"), EdgeKind::kBroadcast);
  EXPECT_EQ(EdgeTo(graph, "a").channels.size(), 9);
  EXPECT_EQ(KindTo(graph, "b"), EdgeKind::kRebalance);
  EXPECT_EQ(KindTo(graph, "c"), EdgeKind::kRange);
  EXPECT_EQ(EdgeTo(graph, "c").keys, (std::vector<std::string>{"symbol"}));
  EXPECT_EQ(EdgeTo(graph, "c").range_bounds, R"(["H","P"])");
  EXPECT_EQ(graph.tasks(), 12) << "no chain";
  const auto hashed = Planned(Line({Source(1), Keyed("a", 1, {"symbol"})}, {{.kind = EdgeKind::kHash}}));
  EXPECT_EQ(KindTo(hashed, "a"), EdgeKind::kHash);
}

// --- several inputs and outputs ---

JobGraph Joined(Operator joined, std::vector<std::string> left, std::vector<std::string> right) {
  JobGraph job("join");
  AddTo(job, {.id = "left", .type = "source", .parallelism = 2, .partitioned_by = std::move(left)});
  AddTo(job, {.id = "right", .type = "source", .parallelism = 2, .partitioned_by = std::move(right)});
  joined.id = "both";
  AddTo(job, std::move(joined));
  ConnectIn(job, {.from = "left", .to = "both"});
  ConnectIn(job, {.from = "right", .to = "both", .input = 1});
  return job;
}

TEST(ExecutionGraph, AUnionIsNotChained) {
  const auto graph = Planned(Joined({.type = "union", .parallelism = 2}, {}, {}));
  EXPECT_EQ(graph.edges().size(), 2);
  EXPECT_EQ(KindTo(graph, "both", 0), EdgeKind::kForward);
  EXPECT_EQ(KindTo(graph, "both", 1), EdgeKind::kForward);
  EXPECT_EQ(EdgeTo(graph, "both", 1).channels, (std::vector<std::pair<int, int>>{{0, 0}, {1, 1}}));
  EXPECT_EQ(graph.tasks(), 6);
}

TEST(ExecutionGraph, AForkIsNotChained) {
  JobGraph job = Line({Source(2), Plain("a", 2, true), {.id = "out", .type = "sink", .parallelism = 2}});
  AddTo(job, {.id = "copy", .type = "sink", .parallelism = 2});
  ConnectIn(job, {.from = "a", .to = "copy"});
  const auto graph = Planned(std::move(job));
  EXPECT_EQ(graph.chains().size(), 3);
  EXPECT_EQ(graph.chains()[0].operators, (std::vector<int>{0, 1}));
}

TEST(ExecutionGraph, PartitionsOfTwoSourcesDoNotMeet) {
  const auto graph = Planned(Joined(Keyed("", 2, {"symbol"}), {"symbol"}, {"symbol"}));
  EXPECT_EQ(KindTo(graph, "both", 0), EdgeKind::kHash);
  EXPECT_EQ(KindTo(graph, "both", 1), EdgeKind::kHash);
}

TEST(ExecutionGraph, PartitionsOfOneSourceMeet) {
  JobGraph job = Line({Source(2, {"symbol"}), Plain("a", 2, true), Keyed("join", 2, {"symbol"})});
  ConnectIn(job, {.from = "ticks", .to = "join", .input = 1});
  const auto graph = Planned(job);
  EXPECT_EQ(KindTo(graph, "join", 0), EdgeKind::kForward);
  EXPECT_EQ(KindTo(graph, "join", 1), EdgeKind::kForward);
}

TEST(ExecutionGraph, AnInputAskedToHashMakesTheOtherHash) {
  JobGraph job = Line({Source(2, {"symbol"}), Plain("a", 2, true), Keyed("join", 2, {"symbol"})});
  ConnectIn(job, {.from = "ticks", .to = "join", .input = 1, .kind = EdgeKind::kHash});
  EXPECT_EQ(KindTo(Planned(job), "join", 0), EdgeKind::kHash);
}

TEST(ExecutionGraph, AHashedInputMeetsOneThatIsDividedByTheKeyAlready) {
  JobGraph job = Line({Source(2), Keyed("a", 2, {"symbol"}), Keyed("join", 2, {"symbol"})});
  AddTo(job, {.id = "quotes", .type = "source", .parallelism = 2, .partitioned_by = {"symbol"}});
  ConnectIn(job, {.from = "quotes", .to = "join", .input = 1});
  const auto graph = Planned(job);
  EXPECT_EQ(KindTo(graph, "join", 0), EdgeKind::kForward);
  EXPECT_EQ(KindTo(graph, "join", 1), EdgeKind::kHash);
}

TEST(ExecutionGraph, AUnionKeepsADivisionOfAllItsInputs) {
  JobGraph job = Joined({.type = "union", .parallelism = 2, .keeps_columns = true}, {"symbol"}, {"symbol"});
  AddTo(job, Keyed("keyed", 2, {"symbol"}));
  ConnectIn(job, {.from = "both", .to = "keyed"});
  EXPECT_EQ(KindTo(Planned(job), "keyed"), EdgeKind::kHash) << "a symbol may be in both sources";
  JobGraph one = Line({Source(2, {"symbol"}),
                       {.id = "both", .type = "union", .parallelism = 2, .keeps_columns = true},
                       Keyed("keyed", 2, {"symbol"})});
  ConnectIn(one, {.from = "ticks", .to = "both", .input = 1});
  EXPECT_EQ(KindTo(Planned(one), "keyed"), EdgeKind::kForward);
}

TEST(ExecutionGraph, ABroadcastTableLeavesTheOtherInputAlone) {
  JobGraph job = Line({Source(2, {"symbol"}), Keyed("join", 2, {"symbol"})});
  AddTo(job, {.id = "fees", .type = "source"});
  ConnectIn(job, {.from = "fees", .to = "join", .input = 1, .kind = EdgeKind::kBroadcast});
  const auto graph = Planned(job);
  EXPECT_EQ(KindTo(graph, "join", 0), EdgeKind::kForward);
  EXPECT_EQ(KindTo(graph, "join", 1), EdgeKind::kBroadcast);
}

TEST(ExecutionGraph, ChainsStandInTheOrderOfRows) {
  JobGraph job("job");  // Added back to front.
  AddTo(job, {.id = "out", .type = "sink", .parallelism = 2});
  AddTo(job, Plain("a", 3, true));
  AddTo(job, {.id = "ticks", .type = "source", .parallelism = 3});
  ConnectIn(job, {.from = "a", .to = "out"});
  ConnectIn(job, {.from = "ticks", .to = "a"});
  const auto graph = Planned(job);
  ASSERT_EQ(graph.chains().size(), 2);
  EXPECT_EQ(graph.chains()[0].operators, (std::vector<int>{2, 1}));
  EXPECT_EQ(graph.chains()[1].operators, (std::vector<int>{0}));
}

// --- key groups ---

TEST(ExecutionGraph, SpreadsKeyGroups) {
  JobGraph job("job", 8);
  AddTo(job, Source(2));
  AddTo(job, Keyed("a", 3, {"symbol"}));
  ConnectIn(job, {.from = "ticks", .to = "a"});
  const auto graph = Planned(job);
  EXPECT_EQ(graph.KeyGroupTable(0), (std::vector<int32_t>{0, 0, 0, 0, 1, 1, 1, 1}));
  EXPECT_EQ(graph.KeyGroupTable(1), (std::vector<int32_t>{0, 0, 0, 1, 1, 1, 2, 2}));  // floor(3 g / 8).
}

TEST(ExecutionGraph, EachCopyOwnsKeyGroups) {
  for (const auto& [groups, copies] : {std::pair{kKeyGroupsMax, kKeyGroupsMax}, {257, 256}, {256, 255}, {7, 1}}) {
    JobGraph job("job", groups);
    AddTo(job, Source(copies));
    const auto table = Planned(job).KeyGroupTable(0);
    ASSERT_EQ(static_cast<int>(table.size()), groups);
    EXPECT_TRUE(std::is_sorted(table.begin(), table.end()));
    EXPECT_EQ(static_cast<int>(std::set<int32_t>(table.begin(), table.end()).size()), copies);
  }
}

// --- tables of key groups ---

// A keyed step of three copies over four key groups.
JobGraph FourGroups(int copies = 3) {
  JobGraph job("job", 4);
  AddTo(job, Source(2));
  AddTo(job, Keyed("a", copies, {"symbol"}));
  AddTo(job, Plain("b", copies, true));
  ConnectIn(job, {.from = "ticks", .to = "a"});
  ConnectIn(job, {.from = "a", .to = "b"});
  return job;
}

arrow::Status RefusedTables(JobGraph job, std::map<std::string, std::vector<int32_t>> copies) {
  return ExecutionGraph::Make(std::move(job), {.version = 1, .copies = std::move(copies)}).status();
}

TEST(KeyGroupTables, NameOperatorsThatThereAre) {
  ExpectOptionError(RefusedTables(FourGroups(), {{"c", {0, 1, 2, 0}}}), "'c'", "'a'");
}

TEST(KeyGroupTables, HaveACopyForEachGroup) {
  ExpectOptionError(RefusedTables(FourGroups(), {{"a", {0, 1, 2}}}), "'a'", "3 groups", "expected 4");
  ExpectOptionError(RefusedTables(FourGroups(), {{"a", {0, 1, 2, 3}}}), "'a'", "group 3", "copy 3, expected 0 to 2");
  ExpectOptionError(RefusedTables(FourGroups(), {{"a", {0, -1, 2, 1}}}), "'a'", "group 1", "copy -1");
}

TEST(KeyGroupTables, AreForWhatIsDividedByKey) {
  ExpectOptionError(RefusedTables(FourGroups(), {{"ticks", {0, 1, 1, 0}}}), "'ticks'", "no HASH edge");
  ExpectOptionError(RefusedTables(FourGroups(1), {{"a", {0, 0, 0, 0}}}), "'a'", "one copy");
}

TEST(KeyGroupTables, OfWhatSharesRowsFromCopyToCopyAreOne) {
  ExpectOptionError(RefusedTables(FourGroups(), {{"a", {0, 1, 2, 0}}, {"b", {0, 1, 2, 1}}}), "'b'", "the one of 'a'");
  EXPECT_TRUE(RefusedTables(FourGroups(), {{"a", {0, 1, 2, 0}}, {"b", {0, 1, 2, 0}}}).ok());
}

// What is in which file follows from the keys.
TEST(KeyGroupTables, LeaveThePartitionsOfSinksAlone) {
  JobGraph job = FourGroups();
  AddTo(job, {.id = "out", .type = "sink", .parallelism = 3, .stateful = true, .key_by = {"symbol"}});
  ConnectIn(job, {.from = "b", .to = "out"});
  ExpectOptionError(RefusedTables(std::move(job), {{"a", {0, 1, 2, 0}}}), "'a'", "'out'", "another parallelism than 3");
}

TEST(KeyGroupTables, HoldForAllThatIsDividedAlike) {
  const std::vector<int32_t> moved = {2, 1, 1, 2};
  JobGraph job("job", 4);  // Two keyed steps, from copy to copy into what joins them.
  AddTo(job, Source(2));
  AddTo(job, Keyed("a", 3, {"symbol"}));
  AddTo(job, Keyed("b", 3, {"symbol"}));
  AddTo(job, {.id = "both", .type = "union", .parallelism = 3, .keeps_columns = true});
  AddTo(job, Keyed("other", 2, {"symbol"}));
  ConnectIn(job, {.from = "ticks", .to = "a"});
  ConnectIn(job, {.from = "ticks", .to = "b"});
  ConnectIn(job, {.from = "a", .to = "both"});
  ConnectIn(job, {.from = "b", .to = "both", .input = 1});
  ConnectIn(job, {.from = "both", .to = "other"});
  const auto graph = ExecutionGraph::Make(job, {.version = 7, .copies = {{"b", moved}}}).ValueOrDie();
  for (const std::string op : {"a", "b", "both"}) {
    const int chain = graph.MovableChain(op).ValueOrDie();
    EXPECT_EQ(graph.KeyGroupTable(chain), moved) << op;
    EXPECT_EQ(graph.DividedWith(chain), graph.DividedWith(*graph.MovableChain("a"))) << op;
  }
  EXPECT_EQ(graph.KeyGroupTable(*graph.MovableChain("other")), (std::vector<int32_t>{0, 0, 1, 1}));
  EXPECT_NE(graph.Explain().find("4 key groups, moved, version 7\n"), std::string::npos) << graph.Explain();
  EXPECT_NE(graph.ToJson(-1).find(R"("key_group_tables":{"version":7,"copies":{"b":[2,1,1,2]}})"), std::string::npos)
      << graph.ToJson(-1);
  EXPECT_EQ(Planned(job).ToJson().find("key_group_tables"), std::string::npos);
}

}  // namespace
}  // namespace sabot::graph
