#include <charconv>
#include <cmath>
#include <string_view>

#include "sabot/metrics/metric.h"

namespace sabot::metrics {
namespace {

std::string Escaped(std::string_view text, bool quotes) {
  std::string escaped;
  for (const char c : text) {
    if (c == '\\') {
      escaped += "\\\\";
    } else if (c == '\n') {
      escaped += "\\n";
    } else if (c == '"' && quotes) {
      escaped += "\\\"";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string TextOf(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

}  // namespace

std::string ToPrometheusText(std::span<const Metric> metrics) {
  std::string text;
  for (const Metric& metric : metrics) {
    text += "# HELP " + metric.name + " " + Escaped(metric.help, /*quotes=*/false) + "\n";
    text += "# TYPE " + metric.name + (metric.kind == MetricKind::kCounter ? " counter\n" : " gauge\n");
    for (const Sample& sample : metric.samples) {
      text += metric.name;
      for (std::size_t i = 0; i < sample.labels.size(); ++i) {
        const auto& [name, value] = sample.labels[i];
        text += (i == 0 ? "{" : ",") + name + "=\"" + Escaped(value, /*quotes=*/true) + "\"";
      }
      text += std::string(sample.labels.empty() ? "" : "}") + " " + TextOf(sample.value) + "\n";
    }
  }
  return text;
}

}  // namespace sabot::metrics
