#include <gtest/gtest.h>

#include "sabot/graph/job_graph.h"
#include "tests/graph/sample_jobs.h"

namespace sabot::graph {
namespace {

arrow::Status Read(const std::string& text) { return JobGraph::FromJson(text).status(); }

// A graph with one operator, whose members are given.
arrow::Status ReadOperator(const std::string& members) {
  return Read(R"({"version": 1, "job_id": "j", "operators": [{"id": "a", "type": "map")" + members + "}]}");
}

arrow::Status ReadEdge(const std::string& edge) {
  return Read(R"({"version": 1, "job_id": "j", "operators": [{"id": "a", "type": "source"},
                  {"id": "b", "type": "sink"}], "edges": [)" +
              edge + "]}");
}

TEST(JobGraphJson, RefusesWhatIsNoJson) {
  ExpectOptionError(Read(""), "job graph: ", "empty");
  ExpectOptionError(Read("{\n  \"version\": 1,\n  oops\n}"), "line 3, column 3", "no JSON");
  ExpectOptionError(Read("{\"version\": 1"), "no JSON");
  ExpectOptionError(Read("\xff\xfe"), "no JSON");
  ExpectOptionError(Read(std::string(200, '[')), "100 deep");
  ExpectOptionError(Read(std::string(100'000, '[') + std::string(100'000, ']')), "100 deep");
  ExpectOptionError(Read("[]"), "$: expected an object, found an array");
  ExpectOptionError(Read("null"), "$: expected an object, found null");
}

TEST(JobGraphJson, RefusesMembersThatStandTwice) {
  ExpectOptionError(Read(R"({"version": 1, "version": 1})"), "$.version", "twice");
  ExpectOptionError(ReadOperator(R"(, "id": "b")"), "$.operators[0].id", "twice");
  ExpectOptionError(ReadEdge(R"({"from": "a", "to": "b"}, {"from": "a", "from": "b"})"), "$.edges[1].from");
}

TEST(JobGraphJson, RefusesOtherVersions) {
  ExpectOptionError(Read(R"({"job_id": "j"})"), "$: the member 'version' is missing");
  ExpectOptionError(Read(R"({"version": 2, "job_id": "j", "later": true})"), "$.version: found 2", "version 1");
  ExpectOptionError(Read(R"({"version": "1", "job_id": "j"})"), "$.version: expected an integer, found \"1\"");
}

TEST(JobGraphJson, RefusesUnknownMembers) {
  ExpectOptionError(Read(R"({"version": 1, "job_id": "j", "operatros": []})"), "$: unknown member 'operatros'",
                    "Nearest names: 'operators'");
  ExpectOptionError(ReadOperator(R"(, "paralelism": 2)"), "$.operators[0]: unknown member 'paralelism'",
                    "Nearest names: 'parallelism'");
  ExpectOptionError(ReadEdge(R"({"from": "a", "to": "b", "knid": "HASH"})"), "$.edges[0]", "'knid'", "'kind'");
}

TEST(JobGraphJson, RefusesOtherTypes) {
  ExpectOptionError(Read(R"({"version": 1, "job_id": 7})"), "$.job_id: expected text, found 7");
  ExpectOptionError(Read(R"({"version": 1, "job_id": "j", "operators": {}})"), "$.operators: expected an array");
  ExpectOptionError(Read(R"({"version": 1, "job_id": "j", "operators": [7]})"), "$.operators[0]: expected an object");
  ExpectOptionError(Read(R"({"version": 1, "job_id": "j", "operators": [{"id": "a"}]})"), "$.operators[0]", "'type'");
  ExpectOptionError(ReadOperator(R"(, "parallelism": "ten")"), "$.operators[0].parallelism: expected an integer",
                    "\"ten\"");
  ExpectOptionError(ReadOperator(R"(, "parallelism": 2.5)"), "expected an integer, found 2.5");
  ExpectOptionError(ReadOperator(R"(, "parallelism": 4294967297)"), "$.operators[0].parallelism", "32 bits");
  ExpectOptionError(ReadOperator(R"(, "parallelism": true)"), "expected an integer, found true");
  ExpectOptionError(ReadOperator(R"(, "stateful": 1)"), "$.operators[0].stateful: expected true or false");
  ExpectOptionError(ReadOperator(R"(, "key_by": "symbol")"), "$.operators[0].key_by: expected an array");
  ExpectOptionError(ReadOperator(R"(, "key_by": ["a", null])"), "$.operators[0].key_by[1]: expected text, found null");
  ExpectOptionError(ReadOperator(R"(, "parameters": [])"), "$.operators[0].parameters: expected an object");
  ExpectOptionError(ReadOperator(R"(, "ordering": "arival")"), "$.operators[0].ordering", "Nearest names: 'arrival'");
  ExpectOptionError(ReadEdge(R"({"from": "a", "to": "b", "kind": "HAHS"})"), "$.edges[0].kind", "'HASH'");
  ExpectOptionError(ReadEdge(R"({"from": "a", "to": "b", "kind": null})"), "$.edges[0].kind", "found null");
}

TEST(JobGraphJson, RefusesWhatTheGraphRefuses) {
  ExpectOptionError(Read(R"({"version": 1, "job_id": "j", "key_groups": 0})"), "$: job 'j': key_groups");
  ExpectOptionError(ReadOperator(R"(, "parallelism": 257)"), "$.operators[0]: operator 'a'", "found 257");
  ExpectOptionError(ReadEdge(R"({"from": "a", "to": "c"})"), "$.edges[0]: ", "no operator 'c'");
}

TEST(JobGraphJson, ReadsDefaults) {
  const auto job = JobGraph::FromJson(R"({"version": 1, "job_id": "j", "operators": [{"id": "a", "type": "map"}]})");
  ASSERT_TRUE(job.ok()) << job.status().ToString();
  EXPECT_EQ(job->key_groups(), 256);
  EXPECT_EQ(job->operators(), (std::vector<Operator>{{.id = "a", .name = "a", .type = "map"}}));
  EXPECT_TRUE(job->edges().empty());
}

TEST(JobGraphJson, WritesWhatItReads) {
  JobGraph job("job", 1'024);
  AddTo(job,
        {.id = "ticks",
         .name = "Börse \"A\" <&>",
         .type = "source",
         .parallelism = 3,
         .partitioned_by = {"symbol"},
         .parameters = R"({"parquet": ["b", "a"], "x": 1.0, "y": 0.1, "z": -9223372036854775808, "a": [{}, null]})"});
  AddTo(job, {.id = "other", .type = "source"});
  AddTo(job, {.id = "both",
              .type = "union",
              .parallelism = 3,
              .stateful = true,
              .key_by = {"symbol", "venue"},
              .keeps_columns = true,
              .ordering = Ordering::kArrival});
  AddTo(job, {.id = "out", .type = "sink", .parallelism = 3});
  ConnectIn(job, {.from = "ticks", .to = "both", .spill = "overflow"});
  ConnectIn(job, {.from = "other", .to = "both", .input = 1, .kind = EdgeKind::kHash});
  ConnectIn(job,
            {.from = "both", .to = "out", .kind = EdgeKind::kRange, .range_by = {"price"}, .range_bounds = "[1, 2.5]"});
  for (const int indent : {-1, 0, 2}) {
    const std::string text = job.ToJson(indent);
    const auto read = JobGraph::FromJson(text);
    ASSERT_TRUE(read.ok()) << read.status().ToString();
    EXPECT_EQ(*read, job);
    EXPECT_EQ(read->ToJson(indent), text);
  }
  EXPECT_EQ(job.operators()[0].parameters,
            R"({"parquet":["b","a"],"x":1.0,"y":0.1,"z":-9223372036854775808,"a":[{},null]})");
}

TEST(JobGraphJson, LeavesDefaultsOut) {
  JobGraph job("job");
  AddTo(job, {.id = "a", .type = "source"});
  AddTo(job, {.id = "b", .type = "sink"});
  ConnectIn(job, {.from = "a", .to = "b"});
  EXPECT_EQ(job.ToJson(-1), R"({"version":1,"job_id":"job","key_groups":256,"operators":[)"
                            R"({"id":"a","type":"source","parallelism":1},{"id":"b","type":"sink","parallelism":1}],)"
                            R"("edges":[{"from":"a","to":"b"}]})");
}

}  // namespace
}  // namespace sabot::graph
