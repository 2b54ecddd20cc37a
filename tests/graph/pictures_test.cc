// A graph as text, Mermaid, SVG and JSON for those who look at it.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "sabot/graph/execution_graph.h"
#include "tests/graph/sample_jobs.h"

namespace sabot::graph {
namespace {

ExecutionGraph Planned(JobGraph job) { return ExecutionGraph::Make(std::move(job)).ValueOrDie(); }

// Names that would end the text they stand in.
ExecutionGraph Hostile() {
  JobGraph job("job");
  AddTo(job, {.id = "a", .name = R"(<script>"&'#`\)", .type = "source", .parallelism = 2});
  AddTo(job,
        {.id = "b", .name = std::string(60, 'x') + "ö", .type = "kernel", .parallelism = 2, .key_by = {"<\"k\">"}});
  ConnectIn(job, {.from = "a", .to = "b", .spill = "overflow"});
  return Planned(std::move(job));
}

TEST(Explain, ShowsTheFraudExample) {
  EXPECT_EQ(Planned(FraudJob()).Explain(),
            "job fraud_detection: 4 operators, 27 task vertices, 17 tasks in 3 chains, 256 key groups\n"
            "chain 0, 10 tasks:\n"
            "  source_1 (source)\n"
            "  enrich (map)\n"
            "  -> chain 1, enrich to fraud: HASH by 'user_id', 50 channels (10 copies to 5)\n"
            "chain 1, 5 tasks:\n"
            "  fraud (group_by, key 'user_id')\n"
            "  -> chain 2, fraud to alerts: REBALANCE, 10 channels (5 copies to 2, and no key)\n"
            "chain 2, 2 tasks:\n"
            "  alerts (sink)\n");
}

TEST(Explain, CountsOne) {
  JobGraph job("job", 1);
  AddTo(job, {.id = "a", .type = "source"});
  EXPECT_EQ(Planned(job).Explain(),
            "job job: 1 operator, 1 task vertex, 1 task in 1 chain, 1 key group\nchain 0, 1 task:\n  a (source)\n");
}

TEST(Mermaid, ShowsTheFraudExample) {
  EXPECT_EQ(Planned(FraudJob()).ToMermaid(),
            "flowchart LR\n"
            "  subgraph chain_0[\"chain 0 x10\"]\n"
            "    op_0[\"source_1 (source)\"]\n"
            "    op_1[\"enrich (map)\"]\n"
            "  end\n"
            "  subgraph chain_1[\"chain 1 x5\"]\n"
            "    op_2[\"fraud (group_by, key 'user_id')\"]\n"
            "  end\n"
            "  subgraph chain_2[\"chain 2 x2\"]\n"
            "    op_3[\"alerts (sink)\"]\n"
            "  end\n"
            "  op_0 --> op_1\n"
            "  op_1 -->|\"HASH by 'user_id', 50 channels\"| op_2\n"
            "  op_2 -->|\"REBALANCE, 10 channels\"| op_3\n");
}

TEST(Mermaid, EscapesNames) {
  const std::string text = Hostile().ToMermaid();
  EXPECT_NE(text.find("#60;script#62;#quot;#38;'#35;#96;#92;"), std::string::npos) << text;
  EXPECT_EQ(text.find("<script>"), std::string::npos);
}

TEST(Svg, EscapesNames) {
  const std::string svg = Hostile().ToSvg();
  EXPECT_EQ(svg.find("<script>"), std::string::npos);
  EXPECT_NE(svg.find("&lt;script&gt;&quot;&amp;&#39;#`\\"), std::string::npos) << svg;
  EXPECT_NE(svg.find("HASH by &#39;&lt;&quot;k&quot;&gt;&#39;, 4 channels, spill overflow"), std::string::npos) << svg;
  EXPECT_NE(svg.find("x...</text>"), std::string::npos) << "long labels are cut";
}

TEST(Svg, HasABoxForEachChainAndAnArrowForEachEdge) {
  const std::string svg = Planned(FraudJob()).ToSvg();
  const auto count = [&](const std::string& part) {
    int found = 0;
    for (auto at = svg.find(part); at != std::string::npos; at = svg.find(part, at + 1)) ++found;
    return found;
  };
  EXPECT_EQ(svg.rfind("<svg xmlns=", 0), 0);
  EXPECT_EQ(count("rx=\"6\""), 3);
  EXPECT_EQ(count("marker-end"), 2);
  EXPECT_EQ(count(">HASH by &#39;user_id&#39;, 50 channels<"), 1);
  EXPECT_EQ(count("http"), 1) << "nothing is fetched: the namespace's name is the only address";
}

TEST(ExecutionGraphJson, ShowsTheFraudExample) {
  const auto json = nlohmann::json::parse(Planned(FraudJob()).ToJson());
  EXPECT_EQ(json["task_vertices"], 27);
  EXPECT_EQ(json["tasks"], 17);
  EXPECT_EQ(json["operators"].size(), 4);
  EXPECT_EQ(json["chains"][0]["operators"], nlohmann::json({"source_1", "enrich"}));
  EXPECT_EQ(json["calls"].size(), 1);
  EXPECT_EQ(json["edges"][0]["kind"], "HASH");
  EXPECT_EQ(json["edges"][0]["channels"], 50);
  EXPECT_EQ(json["edges"][0]["keys"], nlohmann::json({"user_id"}));
}

}  // namespace
}  // namespace sabot::graph
