// Jobs that several tests of graphs use.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <utility>

#include "sabot/data/errors.h"
#include "sabot/graph/job_graph.h"

namespace sabot::graph {

inline void AddTo(JobGraph& job, Operator op) {
  const auto status = job.Add(std::move(op));
  ASSERT_TRUE(status.ok()) << status.ToString();
}

inline void ConnectIn(JobGraph& job, Edge edge) {
  const auto status = job.Connect(std::move(edge));
  ASSERT_TRUE(status.ok()) << status.ToString();
}

// It is an error of kind kOption whose message holds all of these.
template <class... Texts>
void ExpectOptionError(const arrow::Status& status, const Texts&... texts) {
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kOption) << status.ToString();
  for (const auto& text : {std::string(texts)...}) {
    EXPECT_NE(status.message().find(text), std::string::npos) << "'" << text << "' is not in: " << status.message();
  }
}

// Source 10 -> map 10 -> keyed 5 -> sink 2.
inline JobGraph FraudJob() {
  JobGraph job("fraud_detection");
  AddTo(job, {.id = "source_1", .type = "source", .parallelism = 10});
  AddTo(job, {.id = "enrich", .type = "map", .parallelism = 10});
  AddTo(job, {.id = "fraud", .type = "group_by", .parallelism = 5, .stateful = true, .key_by = {"user_id"}});
  AddTo(job, {.id = "alerts", .type = "sink", .parallelism = 2});
  ConnectIn(job, {.from = "source_1", .to = "enrich"});
  ConnectIn(job, {.from = "enrich", .to = "fraud"});
  ConnectIn(job, {.from = "fraud", .to = "alerts"});
  return job;
}

}  // namespace sabot::graph
