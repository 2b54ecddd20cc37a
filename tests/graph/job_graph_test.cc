#include "sabot/graph/job_graph.h"

#include <gtest/gtest.h>

#include "tests/graph/sample_jobs.h"

namespace sabot::graph {
namespace {

JobGraph Line() {
  JobGraph job("line");
  AddTo(job, {.id = "ticks", .type = "source"});
  AddTo(job, {.id = "clean", .type = "filter"});
  AddTo(job, {.id = "fast", .type = "kernel"});
  AddTo(job, {.id = "out", .type = "sink"});
  return job;
}

TEST(JobGraph, RefusesUnusableIds) {
  ExpectOptionError(JobGraph("").Add({.id = "a", .type = "map"}), "job's id is empty");
  ExpectOptionError(JobGraph("a/b").Add({.id = "a", .type = "map"}), "\"a/b\"", "letters");
  ExpectOptionError(JobGraph("..").Add({.id = "a", .type = "map"}), "\"..\"");
  ExpectOptionError(JobGraph("job").Add({.id = "", .type = "map"}), "operator's id is empty");
  ExpectOptionError(JobGraph("job").Add({.id = "a b", .type = "map"}), "\"a b\"");
  ExpectOptionError(JobGraph("job").Add({.id = "\xff", .type = "map"}), "letters");
  ExpectOptionError(JobGraph("job").Add({.id = std::string(201, 'a'), .type = "map"}), "201");
}

TEST(JobGraph, RefusesUnusableKeyGroups) {
  for (const int groups : {0, -1, kKeyGroupsMax + 1}) {
    ExpectOptionError(JobGraph("job", groups).Add({.id = "a", .type = "map"}), "key_groups must be from 1 to 32768",
                      std::to_string(groups));
  }
  EXPECT_TRUE(JobGraph("job", kKeyGroupsMax).Add({.id = "a", .type = "map", .parallelism = kKeyGroupsMax}).ok());
}

TEST(JobGraph, RefusesAnOperatorTwice) {
  JobGraph job = Line();
  ExpectOptionError(job.Add({.id = "fast", .type = "map"}), "'fast' exists already", "'line'");
  EXPECT_EQ(job.operators().size(), 4);
}

TEST(JobGraph, RefusesParallelismOutOfRange) {
  JobGraph job("job", 16);
  ExpectOptionError(job.Add({.id = "a", .type = "map", .parallelism = 0}), "'a'", "from 1 to 16", "found 0");
  ExpectOptionError(job.Add({.id = "a", .type = "map", .parallelism = 17}), "'a'", "found 17", "more key_groups");
  EXPECT_TRUE(job.Add({.id = "a", .type = "map", .parallelism = 16}).ok());
}

TEST(JobGraph, RefusesCopiesOfOneState) {
  JobGraph job("job");
  ExpectOptionError(job.Add({.id = "total", .type = "aggregate", .parallelism = 2, .stateful = true}), "'total'",
                    "parallelism must be 1, found 2", "key_by");
  EXPECT_TRUE(job.Add({.id = "total", .type = "aggregate", .parallelism = 1, .stateful = true}).ok());
}

TEST(JobGraph, RefusesWhatSaysNothing) {
  JobGraph job("job");
  ExpectOptionError(job.Add({.id = "a", .type = "source", .key_by = {"k"}}), "'a'", "partitioned_by");
  ExpectOptionError(job.Add({.id = "a", .type = "map", .partitioned_by = {"k"}}), "'a'", "no source");
  ExpectOptionError(job.Add({.id = "a", .type = "map", .key_by = {"k", "k"}}), "'a'", "'k' twice");
  ExpectOptionError(job.Add({.id = "a", .type = "map", .key_by = {""}}), "'a'", "column ''");
  ExpectOptionError(job.Add({.id = "a", .type = "map", .key_by = {"\xff"}}), "'a'", "UTF-8");
  ExpectOptionError(job.Add({.id = "a", .type = "Map"}), "'a'", "lower-case");
  ExpectOptionError(job.Add({.id = "a", .type = ""}), "'a'", "type");
  ExpectOptionError(job.Add({.id = "a", .name = "x\ny", .type = "map"}), "'a'", "control characters");
}

TEST(JobGraph, RefusesParametersThatAreNoObject) {
  JobGraph job("job");
  ExpectOptionError(job.Add({.id = "a", .type = "map", .parameters = "[1]"}), "'a'", "no JSON object");
  ExpectOptionError(job.Add({.id = "a", .type = "map", .parameters = "{\"x\": }"}), "'a'", "line 1, column 7");
  ExpectOptionError(job.Add({.id = "a", .type = "map", .parameters = ""}), "'a'", "empty");
  ExpectOptionError(job.Add({.id = "a", .type = "map", .parameters = R"({"x": {"y": 1, "y": 2}})"}), "$.x.y", "twice");
  ExpectOptionError(job.Add({.id = "a", .type = "map", .parameters = R"({"x": 36893488147419103232})"}),
                    "36893488147419103232", "64 bits");
  ExpectOptionError(job.Add({.id = "a", .type = "map", .parameters = R"({"x": 1e999})"}), "1e999", "float64");
}

TEST(JobGraph, RefusesEdgesOfNobody) {
  JobGraph job = Line();
  ExpectOptionError(job.Connect({.from = "tick", .to = "fast"}), "no operator 'tick'", "Nearest names: 'ticks'");
  ExpectOptionError(job.Connect({.from = "ticks", .to = "slow"}), "no operator 'slow'", "Known names", "'clean'");
  ExpectOptionError(JobGraph("job").Connect({.from = "a", .to = "b"}), "no operator 'a'", "Add it first");
}

TEST(JobGraph, RefusesEdgesTheWrongWay) {
  JobGraph job = Line();
  ExpectOptionError(job.Connect({.from = "out", .to = "fast"}), "'out' is a sink");
  ExpectOptionError(job.Connect({.from = "fast", .to = "ticks"}), "'ticks' is a source");
}

TEST(JobGraph, RefusesAnInputTwice) {
  JobGraph job = Line();
  ConnectIn(job, {.from = "ticks", .to = "fast"});
  ExpectOptionError(job.Connect({.from = "clean", .to = "fast"}), "input 0 of 'fast'", "'ticks'");
  ExpectOptionError(job.Connect({.from = "clean", .to = "fast", .input = -1}), "found -1");
  ExpectOptionError(job.Connect({.from = "clean", .to = "fast", .input = kInputsMax}), "found 1024");
  EXPECT_TRUE(job.Connect({.from = "ticks", .to = "fast", .input = 1}).ok()) << "a join of a stream with itself";
}

TEST(JobGraph, RefusesCycles) {
  JobGraph job = Line();
  AddTo(job, {.id = "slow", .type = "kernel"});
  ConnectIn(job, {.from = "clean", .to = "fast"});
  ConnectIn(job, {.from = "fast", .to = "slow"});
  ExpectOptionError(job.Connect({.from = "slow", .to = "clean"}), "closes a cycle: clean -> fast -> slow -> clean.");
  ExpectOptionError(job.Connect({.from = "fast", .to = "fast", .input = 1}), "cycle: fast -> fast.");
  EXPECT_EQ(job.edges().size(), 2);
  EXPECT_TRUE(job.Connect({.from = "clean", .to = "slow", .input = 1}).ok()) << "two ways are no cycle";
}

TEST(JobGraph, RefusesBoundsThatCannotBe) {
  JobGraph job = Line();
  const auto range = [&](std::string bounds, std::vector<std::string> by = {"price"}) {
    return job.Connect(
        {.from = "ticks", .to = "fast", .kind = EdgeKind::kRange, .range_by = by, .range_bounds = bounds});
  };
  ExpectOptionError(range("[1]", {}), "names 0 columns");
  ExpectOptionError(range("[1]", {"a", "b"}), "names 2 columns");
  ExpectOptionError(range("{}"), "no array");
  ExpectOptionError(range("[1, 1]"), "do not ascend", "1 stands before 1");
  ExpectOptionError(range("[2.5, 1]"), "2.5 stands before 1");
  ExpectOptionError(range(R"(["b", "a"])"), "do not ascend");
  ExpectOptionError(range(R"([1, "a"])"), "mixes");
  ExpectOptionError(range("[null]"), "range_bounds[0] is null");
  ExpectOptionError(range("[true]"), "range_bounds[0] is true");
  ExpectOptionError(job.Connect({.from = "ticks", .to = "fast", .range_by = {"price"}}), "not of kind RANGE");
  ExpectOptionError(job.Connect({.from = "ticks", .to = "fast", .spill = "sometimes"}), "\"sometimes\"", "'overflow'");
  EXPECT_TRUE(range("[-1, 2.5, 3]").ok());
}

TEST(JobGraph, KnowsKindsOfEdgesByName) {
  for (const auto kind :
       {EdgeKind::kForward, EdgeKind::kHash, EdgeKind::kRebalance, EdgeKind::kBroadcast, EdgeKind::kRange}) {
    EXPECT_EQ(EdgeKindOf(ToString(kind)).ValueOrDie(), kind);
  }
  EXPECT_EQ(EdgeKindOf("hash").ValueOrDie(), EdgeKind::kHash);
  ExpectOptionError(EdgeKindOf("HASHED").status(), "'HASHED'", "Nearest names: 'HASH'");
  ExpectOptionError(OrderingOf("time").status(), "'time'", "'place', 'arrival'");
}

TEST(JobGraph, FindsOperators) {
  JobGraph job = Line();
  ASSERT_NE(job.Find("fast"), nullptr);
  EXPECT_EQ(job.Find("fast")->name, "fast") << "the id, unless given";
  EXPECT_EQ(job.Find("slow"), nullptr);
  EXPECT_EQ(job.IndexOf("out").ValueOrDie(), 3);
}

}  // namespace
}  // namespace sabot::graph
