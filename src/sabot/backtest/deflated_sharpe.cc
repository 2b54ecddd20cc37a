#include "sabot/backtest/deflated_sharpe.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "sabot/kernels/math.h"
#include "sabot/kernels/normal.h"

namespace sabot::backtest {
namespace {

double MeanOf(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) sum += value;
  return sum / static_cast<double>(values.size());
}

double NormalCdf(double x) { return kernels::math::Erfc(-x / std::numbers::sqrt2) / 2; }

// The quantile at 1 - p, from its mirror: 1 - p would lose what a small p is.
double UpperQuantile(double p) { return -kernels::NormalQuantile(p); }

}  // namespace

std::optional<ProfitMoments> MomentsOf(std::span<const double> profits) {
  if (profits.size() < 2) return std::nullopt;
  const auto [least, most] = std::minmax_element(profits.begin(), profits.end());
  if (*least == *most) return std::nullopt;  // Their mean may be another number, by rounding.
  const double count = static_cast<double>(profits.size());
  const double mean = MeanOf(profits);
  double squares = 0, cubes = 0, fourths = 0;
  for (const double profit : profits) {
    const double from_mean = profit - mean;
    const double square = from_mean * from_mean;
    squares += square;
    cubes += square * from_mean;
    fourths += square * square;
  }
  const double variance = squares / count;
  const ProfitMoments moments{.periods = static_cast<int64_t>(profits.size()),
                              .sharpe = mean / std::sqrt(squares / (count - 1)),
                              .skewness = cubes / count / (variance * std::sqrt(variance)),
                              .kurtosis = fourths / count / (variance * variance)};
  const bool finite =
      std::isfinite(moments.sharpe) && std::isfinite(moments.skewness) && std::isfinite(moments.kurtosis);
  return finite ? std::optional(moments) : std::nullopt;
}

double ExpectedMaximumSharpe(double variance, int64_t trials) {
  if (!(variance >= 0) || trials < 1) return std::numeric_limits<double>::quiet_NaN();
  if (trials == 1) return 0;
  const double count = static_cast<double>(trials);
  return std::sqrt(variance) * ((1 - std::numbers::egamma) * UpperQuantile(1 / count) +
                                std::numbers::egamma * UpperQuantile(1 / (count * std::numbers::e)));
}

std::optional<double> ProbabilisticSharpe(const ProfitMoments& moments, double benchmark) {
  const double sharpe = moments.sharpe;
  const double spread = 1 - moments.skewness * sharpe + (moments.kurtosis - 1) / 4 * sharpe * sharpe;
  if (!(spread > 0) || moments.periods < 2 || std::isnan(benchmark)) return std::nullopt;
  return NormalCdf((sharpe - benchmark) * std::sqrt(static_cast<double>(moments.periods - 1)) / std::sqrt(spread));
}

std::optional<double> DeflatedSharpe(const ProfitMoments& moments, double variance, int64_t trials) {
  return ProbabilisticSharpe(moments, ExpectedMaximumSharpe(variance, trials));
}

double VarianceOf(std::span<const double> values) {
  if (values.size() < 2) return 0;
  const double mean = MeanOf(values);
  double squares = 0;
  for (const double value : values) squares += (value - mean) * (value - mean);
  return squares / (static_cast<double>(values.size()) - 1);
}

}  // namespace sabot::backtest
