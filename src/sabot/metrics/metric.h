// Numbers that tell how a job is doing, under the names that dashboards know, and their text form for Prometheus.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

namespace sabot::metrics {

using Labels = std::vector<std::pair<std::string, std::string>>;

struct Sample {
  Labels labels;
  double value = 0;
};

enum class MetricKind {
  kCounter,  // Only grows; its name ends in _total.
  kGauge,
};

struct Metric {
  std::string name;  // "sabot_task_busy_ratio"
  std::string help;  // One line, with the unit.
  MetricKind kind = MetricKind::kGauge;
  std::vector<Sample> samples;
};

// Prometheus' text exposition format, version 0.0.4.
std::string ToPrometheusText(std::span<const Metric> metrics);

}  // namespace sabot::metrics
