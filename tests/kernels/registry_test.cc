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
  list(';', info.options, [](const OptionInfo& option) { return option.name + "=" + ToString(option.default_value); });
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
          "rolling_zscore(x=price;window=100, min_periods=None, ddof=1)zscore",
          "midprice(bid, ask;)midprice",
          "quoted_spread(bid, ask;)quoted_spread, quoted_spread_bps",
          "l1_imbalance(bid_size, ask_size;)l1_imbalance",
          "ofi(bid, ask, bid_size, ask_size;window=1, min_periods=None)ofi",
          "vpin(price, volume, side?;bucket_volume=1e+05, n_buckets=50, classify='bvc')vpin, vpin_bucket int64",
          "signed_volume(side, volume;)signed_volume",
          "realized_var(x=log_return;window=20, min_periods=None)realized_var",
          "kyle_lambda(price, signed_volume;window=20, min_periods=None)kyle_lambda",
          "triangular_arbitrage(spot_ab, spot_bc, spot_ac, fees_bps?;fees_bps=0, use_fees_column=False)arb_edge_bps, "
          "arb_route utf8",
          "vwap(price, volume, timestamp?;window=0, min_periods=None, session_ns=0)vwap",
          "cusum(x=log_return;mean=0, std=1, k=0.5, h=5, reset=True)cusum_pos, cusum_neg, cusum_alarm int64",
          "ema(x=price;period=20)ema",
          "sma(x=price;window=20, min_periods=None)sma",
          "macd(x=price;fast=12, slow=26, signal=9)macd, macd_signal, macd_hist",
          "rsi(x=price;period=14)rsi",
          "bollinger_bands(x=price;window=20, min_periods=None, k=2, ddof=0)bb_mid, bb_upper, bb_lower",
          "lag(x=price;k=1)lag",
          "diff(x=price;k=1)diff",
          "rolling_std(x=price;window=20, min_periods=None, ddof=1)rolling_std"}));
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
  EXPECT_EQ(stateless, (std::set<std::string_view>{"midprice", "quoted_spread", "l1_imbalance", "signed_volume",
                                                   "triangular_arbitrage"}));
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

}  // namespace
}  // namespace sabot::kernels
