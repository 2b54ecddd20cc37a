#include "sabot/kernels/registry.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "sabot/data/errors.h"

namespace sabot::kernels {
namespace {

// "name(inputs; options) -> outputs"; an input by another name than its role as role=column, one that the default
// options do not need with a question mark.
std::string Signature(const KernelInfo& info) {
  std::string text(info.doc.name);
  const auto list = [&](char before, const auto& items, const auto& print) {
    text += before;
    for (std::size_t i = 0; i < items.size(); ++i) text += (i == 0 ? "" : ", ") + print(items[i]);
  };
  list('(', info.inputs, [](const InputInfo& input) {
    return (input.role == input.column ? input.role : input.role + "=" + input.column) + (input.optional ? "?" : "");
  });
  list(';', info.options, [](const OptionInfo& option) {
    return option.name + (option.required ? "" : "=" + ToString(option.default_value));
  });
  list(')', info.outputs,
       [](const OutputInfo& output) { return output.name + (output.type == "float64" ? "" : " " + output.type); });
  return text;
}

TEST(Registry, NamesEveryKernelWithItsDefaults) {
  std::vector<std::string> signatures;
  for (const auto& info : Registry()) signatures.push_back(Signature(info));
  EXPECT_EQ(
      signatures,
      (std::vector<std::string>{
          "log_returns(price;)log_return",
          "welford_mean_var(x=price;ddof=1)mean, variance, stddev",
          "ewma(x=price, timestamp?;alpha=None, lambda=None, span=None, com=None, halflife=None)ewma",
          "ewcov(x, y, timestamp?;alpha=None, lambda=None, span=None, com=None, halflife=None)ewcov",
          "rolling_zscore(x=price, timestamp?;window=100, min_periods=None, ddof=1, max_rows=None)zscore",
          "midprice(bid, ask;)midprice",
          "microprice(bid, ask, bid_size, ask_size;)microprice",
          "quoted_spread(bid, ask;)quoted_spread, quoted_spread_bps",
          "effective_spread(exec_price, midprice;)effective_spread, effective_spread_bps",
          "l1_imbalance(bid_size, ask_size;)l1_imbalance",
          "ofi(bid, ask, bid_size, ask_size, timestamp?;window=1, min_periods=None, max_rows=None)ofi",
          "vpin(price, volume, side?;bucket_volume=1e+05, n_buckets=50, classify='bvc')vpin, vpin_bucket int64",
          "signed_volume(side, volume;)signed_volume",
          "realized_var(x=log_return, timestamp?;window=20, min_periods=None, max_rows=None)realized_var",
          "bipower_var(x=log_return, timestamp?;window=20, min_periods=None, finite_sample=True, "
          "max_rows=None)bipower_var",
          "medrv(x=log_return, timestamp?;window=20, min_periods=None, finite_sample=True, max_rows=None)medrv",
          "riskmetrics_vol(x=log_return, timestamp?;alpha=None, lambda=None, span=None, com=None, "
          "halflife=None)riskmetrics_vol",
          "kyle_lambda(price, signed_volume, timestamp?;window=20, min_periods=None, max_rows=None)kyle_lambda",
          "amihud_illiquidity(price, volume, timestamp?;window=20, min_periods=None, scale=1, "
          "max_rows=None)amihud_illiquidity",
          "roll_spread(price, timestamp?;window=20, min_periods=None, max_rows=None)roll_spread",
          "corwin_schultz_spread(high, low, close?, timestamp?;window=1, min_periods=None, "
          "overnight_adjust=False, negative='zero', max_rows=None)corwin_schultz_spread",
          "triangular_arbitrage(spot_ab, spot_bc, spot_ac, fees_bps?;fees_bps=0, "
          "use_fees_column=False)arb_edge_bps, arb_route utf8",
          "forward_points(spot, r_dom, r_for;t_years=1, compounding='continuous', pip=1)forward_points",
          "cip_basis(spot, forward, r_dom, r_for;t_years=1, compounding='continuous')cip_basis",
          "carry_signal(r_dom, r_for, volatility?;risk_adjusted=False)carry_signal",
          "funding_apr(funding_rate;interval_hours=8)funding_apr",
          "funding_cost(position, price, funding_rate;)funding_payment, funding_cost",
          "basis_annualized(futures_price, spot_price;days=90, day_count=365)basis_annualized",
          "open_interest_delta(open_interest;)oi_delta",
          "perp_fair_price(index_price, funding_rate, hours_to_funding;interval_hours=8)perp_fair_price",
          "cash_and_carry_edge(perp_price, spot_price, funding_rate, fees_bps?;periods=1, fees_bps=0, "
          "use_fees_column=False)carry_edge_bps",
          "vwap(price, volume, timestamp?;window=0, min_periods=None, session_ns=0, max_rows=None)vwap",
          "implementation_shortfall(side, exec_price, arrival_price, filled_qty?, order_qty?, close_price?, "
          "fees?;mode='fills')implementation_shortfall_bps",
          "arrival_price_impact(side, exec_price, arrival_mid;)arrival_impact_bps",
          "cusum(x=log_return;mean=0, std=1, k=0.5, h=5, reset=True)cusum_pos, cusum_neg, cusum_alarm int64",
          "historical_var(x=pnl, timestamp?;window=250, min_periods=None, alpha=0.05, max_rows=None)historical_var",
          "historical_cvar(x=pnl, timestamp?;window=250, min_periods=None, alpha=0.05, max_rows=None)historical_cvar",
          "cornish_fisher_var(mean, stddev, skew, kurt;alpha=0.05)cornish_fisher_var",
          "ema(x=price;period=20)ema",
          "sma(x=price, timestamp?;window=20, min_periods=None, max_rows=None)sma",
          "macd(x=price;fast=12, slow=26, signal=9)macd, macd_signal, macd_hist",
          "rsi(x=price;period=14)rsi",
          "bollinger_bands(x=price, timestamp?;window=20, min_periods=None, k=2, ddof=0, max_rows=None)bb_mid, "
          "bb_upper, bb_lower",
          "kalman_1d(x=price;q=0.001, r=0.1)kalman_level, kalman_var",
          "donchian_channel(high, low, timestamp?;window=20, min_periods=None, max_rows=None)donchian_high, "
          "donchian_low, donchian_mid",
          "stochastic_osc(high, low, close;k_period=14, slowing=1, d_period=3)stoch_k, stoch_d",
          "lag(x=price;k=1)lag",
          "diff(x=price;k=1)diff",
          "rolling_min(x=price, timestamp?;window=20, min_periods=None, max_rows=None)rolling_min",
          "rolling_max(x=price, timestamp?;window=20, min_periods=None, max_rows=None)rolling_max",
          "rolling_std(x=price, timestamp?;window=20, min_periods=None, ddof=1, max_rows=None)rolling_std",
          "rolling_skew(x=price, timestamp?;window=20, min_periods=None, bias=False, max_rows=None)rolling_skew",
          "rolling_kurt(x=price, timestamp?;window=20, min_periods=None, bias=False, max_rows=None)rolling_kurt",
          "autocorr(x=log_return, timestamp?;lag=1, window=100, min_periods=None, max_rows=None)autocorr",
          "stale_quote_detector(timestamp, last_update;max_age_ns=1000000000)quote_age_ns int64, is_stale bool",
          "price_band_guard(order_price, ref_price;pct=0.05)price_ok bool",
          "fat_finger_guard(order_price, order_size, ref_price;pct=0.1, notional_max=1e+06, "
          "size_max=inf)fat_finger_ok bool",
          "circuit_breaker(timestamp, price, ref_price;pct=0.05, halt_ns=300000000000)circuit_triggered bool, "
          "halted bool",
          "throttle_check(timestamp;rate_per_s=100, burst=100)throttle_pass bool",
          "outlier_flag_mad(x=price, timestamp?;window=100, min_periods=None, k=3, min_scale=0, max_rows=None)"
          "outlier_flag bool, outlier_score",
          "hayashi_yoshida_cov(price, timestamp;symbol_a, symbol_b, window=0, max_rows=None)hy_cov",
          "hayashi_yoshida_corr(price, timestamp;symbol_a, symbol_b, window=0, max_rows=None)hy_corr",
          "xcorr_leadlag(x, y, timestamp?;max_lag=10, window=100, max_rows=None)leadlag int64, leadlag_corr",
          "pairs_spread(price_a, price_b, hedge_ratio?;hedge_ratio=1, intercept=0, use_hedge_column=False, "
          "log=False)pairs_spread",
          "kalman_hedge_ratio(price_a, price_b;q=1e-05, r=0.001, p0=1, intercept=True)hedge_ratio, intercept, "
          "spread, spread_std"}));
}

TEST(Registry, DocumentsEveryKernel) {
  std::set<std::string_view> names;
  for (const auto& info : Registry()) {
    SCOPED_TRACE(info.doc.name);
    EXPECT_TRUE(names.insert(info.doc.name).second);
    EXPECT_TRUE(names.insert(info.doc.class_name).second);
    for (const auto text : {info.doc.summary, info.doc.formula, info.doc.nulls, info.doc.source})
      EXPECT_FALSE(text.empty());
    EXPECT_TRUE(info.doc.summary.ends_with('.'));
    EXPECT_TRUE(info.doc.nulls.ends_with('.'));
    for (const auto& input : info.inputs) EXPECT_FALSE(input.doc.empty()) << input.role;
    for (const auto& output : info.outputs) EXPECT_FALSE(output.doc.empty()) << output.name;
    for (const auto& option : info.options) EXPECT_FALSE(option.doc.empty()) << option.name;
  }
}

TEST(Registry, KnowsWhichKernelsRemember) {
  std::set<std::string_view> stateless;
  for (const auto& info : Registry()) {
    if (!info.stateful) stateless.insert(info.doc.name);
  }
  EXPECT_EQ(stateless, (std::set<std::string_view>{"midprice",
                                                   "microprice",
                                                   "quoted_spread",
                                                   "effective_spread",
                                                   "l1_imbalance",
                                                   "signed_volume",
                                                   "triangular_arbitrage",
                                                   "forward_points",
                                                   "cip_basis",
                                                   "carry_signal",
                                                   "funding_apr",
                                                   "basis_annualized",
                                                   "perp_fair_price",
                                                   "cash_and_carry_edge",
                                                   "implementation_shortfall",
                                                   "arrival_price_impact",
                                                   "cornish_fisher_var",
                                                   "pairs_spread",
                                                   "stale_quote_detector",
                                                   "price_band_guard",
                                                   "fat_finger_guard"}));
}

TEST(Registry, KnowsWhatKernelsDoWithMissingInputs) {
  std::set<std::string_view> positional, guards;
  for (const auto& info : Registry()) {
    if (info.missing == "positional") positional.insert(info.doc.name);
    if (info.missing == "fails closed") guards.insert(info.doc.name);
    EXPECT_TRUE(info.missing == "null" || info.missing == "positional" || info.missing == "fails closed");
  }
  EXPECT_EQ(positional, (std::set<std::string_view>{"lag", "diff", "implementation_shortfall"}));
  EXPECT_EQ(guards, (std::set<std::string_view>{"stale_quote_detector", "price_band_guard", "fat_finger_guard",
                                                "circuit_breaker", "throttle_check"}));
}

TEST(Registry, KnowsWhichKernelsReadTwoSymbols) {
  std::set<std::string_view> pairs;
  for (const auto& info : Registry()) {
    if (info.pair) pairs.insert(info.doc.name);
  }
  EXPECT_EQ(pairs, (std::set<std::string_view>{"hayashi_yoshida_cov", "hayashi_yoshida_corr"}));
}

TEST(FindKernel, KnowsBothNames) {
  EXPECT_EQ(FindKernel("ofi").ValueOrDie()->doc.class_name, "OFIKernel");
  EXPECT_EQ(FindKernel("OFIKernel").ValueOrDie()->doc.name, "ofi");
}

TEST(FindKernel, ShowsNearestNames) {
  const auto status = FindKernel("emwa").status();
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kOption);
  EXPECT_EQ(status.message(), "unknown kernel 'emwa'. Nearest names: 'ema', 'ewma', 'sma'.");
}

KernelInfo Named(std::string_view name, std::string_view class_name) {
  KernelInfo info;
  info.doc.name = name;
  info.doc.class_name = class_name;
  return info;
}

TEST(AddKernels, RefusesNamesThatExist) {
  const std::vector<KernelInfo> wrong[] = {{Named("mine", "MineKernel"), Named("ewma", "OtherKernel")},
                                           {Named("mine", "EWMAKernel")},
                                           {Named("EWMAKernel", "MineKernel")},
                                           {Named("mine", "mine")},
                                           {Named("mine", "AKernel"), Named("mine", "BKernel")}};
  for (const auto& kernels : wrong) {
    const auto status = AddKernels(kernels);
    EXPECT_EQ(data::KindOf(status), data::ErrorKind::kOption);
    EXPECT_NE(status.message().find("already. Choose another name."), std::string::npos) << status.message();
  }
  EXPECT_TRUE(LoadedKernels().empty());
}

TEST(AddKernels, AreFoundByBothNamesAndStayWhereTheyAre) {
  ASSERT_TRUE(AddKernels({Named("first", "FirstKernel")}).ok());
  const auto* const first = FindKernel("FirstKernel").ValueOrDie();
  std::vector<std::string> names;
  for (int i = 0; i < 100; ++i)
    names.push_back("more_" + std::to_string(i)), names.push_back("More" + std::to_string(i));
  for (int i = 0; i < 100; ++i) ASSERT_TRUE(AddKernels({Named(names[2 * i], names[2 * i + 1])}).ok());
  EXPECT_EQ(FindKernel("first").ValueOrDie(), first);
  EXPECT_EQ(LoadedKernels().size(), 101);
  EXPECT_FALSE(AddKernels({Named("more_7", "AnyKernel")}).ok());
  EXPECT_EQ(KernelNames().size(), Registry().size() + 101);
  EXPECT_NE(FindKernel("frist").status().message().find("'first'"), std::string::npos);
}

}  // namespace
}  // namespace sabot::kernels
