#include <gtest/gtest.h>

#include <limits>

#include "sabot/metrics/metric.h"

namespace sabot::metrics {
namespace {

TEST(ToPrometheusText, OfNothingIsEmpty) { EXPECT_EQ(ToPrometheusText({}), ""); }

// As https://prometheus.io/docs/instrumenting/exposition_formats describes.
TEST(ToPrometheusText, FollowsTheExpositionFormat) {
  const std::vector<Metric> metrics = {
      {.name = "rows_total",
       .help = "Rows,\nall \\ of them.",
       .kind = MetricKind::kCounter,
       .samples = {{.labels = {{"task", "a\"b\\c\nd"}, {"copy", "1"}}, .value = 12}, {.labels = {}, .value = 1e20}}},
      {.name = "ratio",
       .help = "0 to 1.",
       .kind = MetricKind::kGauge,
       .samples = {{.labels = {}, .value = 0.25}, {.labels = {}, .value = std::numeric_limits<double>::infinity()}}}};
  EXPECT_EQ(ToPrometheusText(metrics),
            "# HELP rows_total Rows,\\nall \\\\ of them.\n"
            "# TYPE rows_total counter\n"
            "rows_total{task=\"a\\\"b\\\\c\\nd\",copy=\"1\"} 12\n"
            "rows_total 1e+20\n"
            "# HELP ratio 0 to 1.\n"
            "# TYPE ratio gauge\n"
            "ratio 0.25\n"
            "ratio +Inf\n");
}

}  // namespace
}  // namespace sabot::metrics
