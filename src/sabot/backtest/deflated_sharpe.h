// What the best of many trials is worth: the deflated Sharpe ratio of Bailey & Lopez de Prado (2014), "The deflated
// Sharpe ratio: correcting for selection bias, backtest overfitting and non-normality", J. Portfolio Management 40(5).
// Sharpe ratios here are those of one period (a day), not annualised.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

namespace sabot::backtest {

// Of the profits of periods. Skewness and kurtosis are quotients of central moments (a normal's are 0 and 3).
struct ProfitMoments {
  int64_t periods = 0;
  double sharpe = 0;  // Mean over sample standard deviation.
  double skewness = 0;
  double kurtosis = 0;
};

// None of fewer than two periods, where all are equal, or where one is not finite.
std::optional<ProfitMoments> MomentsOf(std::span<const double> profits);

// The Sharpe ratio that the best of so many independent trials without skill is expected to show; `variance` is that
// of the trials' Sharpe ratios. 0 for one trial; NaN for less, or for a variance that is negative.
double ExpectedMaximumSharpe(double variance, int64_t trials);

// The probability that the true Sharpe ratio lies above the benchmark (Bailey & Lopez de Prado (2012), J. Risk 15(2)).
// None where its standard error does not exist: moments of that kind cannot be had from a sample.
std::optional<double> ProbabilisticSharpe(const ProfitMoments& moments, double benchmark);

// The same above what the best of all trials shows by luck.
std::optional<double> DeflatedSharpe(const ProfitMoments& moments, double variance, int64_t trials);

// Sample variance; 0 of fewer than two.
double VarianceOf(std::span<const double> values);

}  // namespace sabot::backtest
