#include "sabot/kernels/ac_schedule.h"

#include <arrow/builder.h>

#include <cmath>
#include <string>
#include <vector>

#include "sabot/data/errors.h"
#include "sabot/kernels/math.h"

namespace sabot::kernels {
namespace {

using Options = AcSchedule::Options;

std::string Text(double value) { return ToString(OptionValue{value}); }

// kappa * tau. Of a small argument acosh(1 + u) would lose the digits of u.
double KappaTau(const Options& options, double tau, double eta) {
  const double kappa_squared = options.risk_aversion * (options.sigma * options.sigma) / eta;
  if (kappa_squared == 0) return 0;
  const double u = kappa_squared * (tau * tau) / 2;
  return math::Log1p(u + std::sqrt(u * (u + 2)));
}

// What is left at each step. The first and the last are exact whatever the rounding between them.
std::vector<double> Holdings(const Options& options, double tau, double kappa_tau) {
  const double total = options.quantity, slices = static_cast<double>(options.slices);
  const double kappa = kappa_tau / tau;
  std::vector<double> holdings(static_cast<std::size_t>(options.slices) + 1);
  for (std::size_t step = 1; step + 1 < holdings.size(); ++step) {
    const double j = static_cast<double>(step), time = j * tau;
    // sinh(kappa (T - t)) / sinh(kappa T), in exponentials that only ever fall.
    const double left = math::Exp(-kappa * time) * math::Expm1(-2 * kappa * (options.horizon - time)) /
                        math::Expm1(-2 * kappa * options.horizon);
    holdings[step] = (kappa_tau == 0 ? total * (slices - j) / slices : total * left) + 0.0;  // Never -0.0.
  }
  holdings.front() = total + 0.0;
  return holdings;
}

arrow::Status CheckFinite(const std::vector<double>& values) {
  for (const double value : values) {
    if (!std::isfinite(value)) {
      return data::OptionError(std::string(AcSchedule::kName) +
                               ": the holdings are beyond the largest float64. Give quantity in larger units.");
    }
  }
  return arrow::Status::OK();
}

}  // namespace

arrow::Result<std::shared_ptr<arrow::Table>> AcSchedule::Make(const Options& options) {
  ARROW_RETURN_NOT_OK(CheckOptions(kName, options));
  const double tau = options.horizon / static_cast<double>(options.slices);
  const double eta = options.eta - options.gamma * tau / 2;
  if (!(tau > 0)) {
    return data::OptionError(std::string(kName) + ": option 'horizon' must be longer for so many slices, found " +
                             Text(options.horizon) + ". Give it in a smaller unit of time.");
  }
  if (!(eta > 0)) {
    return data::OptionError(std::string(kName) + ": option 'eta' must be > gamma * (horizon / slices) / 2 = " +
                             Text(options.gamma * tau / 2) + ", found " + Text(options.eta) + ". Take more slices.");
  }
  const auto holdings = Holdings(options, tau, KappaTau(options, tau, eta));
  ARROW_RETURN_NOT_OK(CheckFinite(holdings));

  arrow::Int64Builder steps;
  arrow::DoubleBuilder times, left, trades;
  for (std::size_t step = 0; step < holdings.size(); ++step) {
    const bool last = step + 1 == holdings.size();
    ARROW_RETURN_NOT_OK(steps.Append(static_cast<int64_t>(step)));
    ARROW_RETURN_NOT_OK(times.Append(last ? options.horizon : static_cast<double>(step) * tau));
    ARROW_RETURN_NOT_OK(left.Append(holdings[step]));
    ARROW_RETURN_NOT_OK(step == 0 ? trades.AppendNull() : trades.Append(holdings[step - 1] - holdings[step]));
  }
  arrow::ArrayVector columns;
  for (arrow::ArrayBuilder* const builder :
       {static_cast<arrow::ArrayBuilder*>(&steps), static_cast<arrow::ArrayBuilder*>(&times),
        static_cast<arrow::ArrayBuilder*>(&left), static_cast<arrow::ArrayBuilder*>(&trades)}) {
    ARROW_ASSIGN_OR_RAISE(auto column, builder->Finish());
    columns.push_back(std::move(column));
  }
  return arrow::Table::Make(
      arrow::schema({arrow::field("step", arrow::int64()), arrow::field("time", arrow::float64()),
                     arrow::field("holdings", arrow::float64()), arrow::field("trade", arrow::float64())}),
      columns);
}

}  // namespace sabot::kernels
