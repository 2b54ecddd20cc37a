// Kernels taken out of expressions: the result is that of kernels run by hand, one after the other.
#include <arrow/array.h>
#include <gtest/gtest.h>

#include "sabot/data/errors.h"
#include "sabot/operators/expression.h"
#include "sabot/operators/keyed_kernel.h"
#include "tests/operators/sample_ticks.h"

namespace sabot::operators {
namespace {

using Texts = std::vector<std::pair<std::string, std::string>>;  // Name, expression.

arrow::Result<Lowered> TryLower(const Texts& texts, const arrow::Schema& schema,
                                const std::vector<std::string>& by = {"symbol"}) {
  std::vector<NamedExpression> columns;
  for (const auto& [name, text] : texts) {
    ARROW_ASSIGN_OR_RAISE(auto expression, ParseExpression(text));
    columns.push_back({name, std::move(expression)});
  }
  return Lower(columns, schema, by, "with_columns");
}

std::shared_ptr<arrow::RecordBatch> Append(const std::shared_ptr<arrow::RecordBatch>& batch,
                                           const std::vector<NamedExpression>& columns) {
  auto result = batch;
  for (const auto& [name, expression] : columns) {
    const auto bound = BoundExpression::Bind(*expression, *batch->schema(), "").ValueOrDie();
    const auto array = bound.Run(*batch).ValueOrDie();
    result = result->AddColumn(result->num_columns(), arrow::field(name, array->type()), array).ValueOrDie();
  }
  return result;
}

// As an operator would: stages one after the other, then the columns.
std::shared_ptr<arrow::RecordBatch> RunLowered(const Lowered& lowered, std::shared_ptr<arrow::RecordBatch> batch) {
  for (const auto& stage : lowered.stages) {
    batch = Append(batch, stage.columns);
    if (stage.kernels.empty()) continue;
    batch = KernelChain::Make(stage.kernels, stage.by).ValueOrDie().Process(batch).ValueOrDie();
  }
  const int before = batch->num_columns();
  batch = Append(batch, lowered.columns);
  std::vector<int> made;
  for (int column = before; column < batch->num_columns(); ++column) made.push_back(column);
  return batch->SelectColumns(made).ValueOrDie();
}

std::shared_ptr<arrow::RecordBatch> Ticks() {
  auto ticks = SampleTicks({.rows = 500});
  const auto venue = ticks->column(0)->Slice(0);
  return ticks->AddColumn(0, arrow::field("venue", venue->type()), venue).ValueOrDie();
}
Lowered LowerOn(const Texts& texts, const std::vector<std::string>& by = {"symbol"}) {
  return TryLower(texts, *Ticks()->schema(), by).ValueOrDie();
}
std::string ErrorOf(const Texts& texts, data::ErrorKind kind, const std::vector<std::string>& by = {"symbol"}) {
  const auto lowered = TryLower(texts, *Ticks()->schema(), by);
  EXPECT_EQ(data::KindOf(lowered.status()), kind) << lowered.status();
  return lowered.status().message();
}
// One kernel by hand.
std::shared_ptr<arrow::Array> ByHand(const KernelSpec& spec, const std::shared_ptr<arrow::RecordBatch>& batch,
                                     const std::vector<std::string>& by = {"symbol"}, int output = 0) {
  auto renamed = spec;
  const auto made = MakeKeyedKernel(spec.kernel, spec.options).ValueOrDie();
  for (const auto& out : made->outputs()) renamed.outputs[std::string(out.name)] = "$" + std::string(out.name);
  return KernelChain::Make({renamed}, by)
      .ValueOrDie()
      .Process(batch)
      .ValueOrDie()
      ->column(batch->num_columns() + output);
}

// --- Wrong use. ---

TEST(Lower, NamesTheColumnBeingMade) {
  const auto schema = data::ErrorKind::kSchema, option = data::ErrorKind::kOption;
  EXPECT_EQ(ErrorOf({{"x", "ewma(prise)"}}, schema),
            "with_columns: column 'x': ewma: input 'x': column 'prise' is missing. Nearest names: 'price'.");
  EXPECT_EQ(ErrorOf({{"x", "price + prise"}}, schema),
            "with_columns: column 'x': column 'prise' is missing. Nearest names: 'price'.");
  EXPECT_EQ(ErrorOf({{"x", "1 + ewma(symbol)"}}, schema),
            "with_columns: column 'x': ewma: input 'x' is symbol of type string, expected a number.");
  EXPECT_EQ(
      ErrorOf({{"x", "ewma(price > 1)"}}, schema),
      "with_columns: column 'x': ewma: input 'x' is price > 1 of type bool, expected a number. cast(x, \"int64\") "
      "makes 0 and 1 of it.");
  EXPECT_EQ(ErrorOf({{"x", "ewma(price, halflife='5s', timestamp=price)"}}, schema).substr(0, 66),
            "with_columns: column 'x': ewma: input 'timestamp' is price of type");
  EXPECT_EQ(ErrorOf({{"x", "ewma(price).over(symbl)"}}, schema),
            "with_columns: column 'x': ewma keeps state by column 'symbl', which is missing. Nearest names: 'symbol'.");
  EXPECT_EQ(ErrorOf({{"x", "ewma(price)"}}, option, {}).substr(0, 62),
            "with_columns: column 'x': ewma keeps state by key, and there i");
  EXPECT_EQ(
      ErrorOf({{"x", "bollinger_bands(price) + 1"}}, option),
      "with_columns: column 'x': bollinger_bands has several outputs: bb_mid, bb_upper, bb_lower. Choose one, as in "
      "bollinger_bands(...).output(bb_mid).");
  EXPECT_EQ(ErrorOf({{"", "price + 1"}}, option),
            "with_columns: price + 1: the column needs a name. Write name=..., or .alias(\"name\").");
  EXPECT_EQ(ErrorOf({{"x", "price"}, {"x", "bid"}}, option),
            "with_columns: column 'x' is made twice. Name one otherwise.");
  EXPECT_EQ(ErrorOf({{"x", "ewma(price).over(price)"}}, schema).substr(0, 14), "with_columns: ");  // A float is no key.
}

TEST(Lower, SaysWhichDefaultColumnIsMissing) {
  const auto schema = arrow::schema({arrow::field("symbol", arrow::utf8()), arrow::field("px", arrow::float64())});
  EXPECT_EQ(TryLower({{"", "ewma()"}}, *schema).status().message(),
            "with_columns: ewma(): ewma: input 'x' is column 'price' unless given, which is missing. Known names: "
            "'symbol', 'px'. Write ewma(x=...).");
}

// --- Edges. ---

TEST(Lower, WithoutKernelsThereIsNoStage) {
  const auto lowered = LowerOn({{"", "price"}, {"double", "price * 2"}}, {});
  EXPECT_TRUE(lowered.stages.empty());
  EXPECT_EQ(lowered.columns[0].name, "price");
  EXPECT_EQ(ToString(*lowered.columns[1].expression), "price * 2");
}

TEST(Lower, AKernelWithoutStateNeedsNoKey) {
  const auto lowered = LowerOn({{"", "midprice(bid, ask)"}, {"half", "midprice().over(nothing) / 2"}}, {});
  ASSERT_EQ(lowered.stages.size(), 1);
  EXPECT_EQ(lowered.stages[0].kernels.size(), 1);
  EXPECT_TRUE(SameBits(*RunLowered(lowered, Ticks())->column(0), *ByHand({.kernel = "midprice"}, Ticks(), {})));
  // It joins the chain of any key.
  EXPECT_EQ(LowerOn({{"m", "midprice()"}, {"e", "ewma(midprice()).over(venue)"}}).stages.size(), 1);
}

TEST(Lower, TemporaryNamesAreFree) {
  const auto ticks = Ticks();
  const auto taken =
      ticks->AddColumn(0, arrow::field("$0", arrow::float64()), ticks->GetColumnByName("price")).ValueOrDie();
  const auto lowered = TryLower({{"", "ewma(price)"}}, *taken->schema()).ValueOrDie();
  EXPECT_TRUE(SameBits(*RunLowered(lowered, taken)->column(0), *ByHand({.kernel = "ewma"}, ticks)));
}

TEST(Lower, NamesOutputs) {
  const auto names = [](const Texts& texts) {
    std::vector<std::string> found;
    for (const auto& column : LowerOn(texts).columns) found.push_back(column.name);
    return found;
  };
  using Names = std::vector<std::string>;
  EXPECT_EQ(names({{"", "log_returns(price)"}}), (Names{"log_return"}));
  EXPECT_EQ(names({{"r", "log_returns(price)"}}), (Names{"r"}));
  EXPECT_EQ(names({{"", "bollinger_bands(price)"}}), (Names{"bb_mid", "bb_upper", "bb_lower"}));
  EXPECT_EQ(names({{"b", "bollinger_bands(price)"}}), (Names{"b_mid", "b_upper", "b_lower"}));
  EXPECT_EQ(names({{"m", "macd(price)"}}), (Names{"m_macd", "m_macd_signal", "m_macd_hist"}));
  EXPECT_EQ(names({{"", "bollinger_bands(price).output(upper)"}}), (Names{"bb_upper"}));
  EXPECT_EQ(names({{"u", "bollinger_bands(price).output(upper)"}}), (Names{"u"}));
}

// --- Stages. ---

TEST(Lower, EqualKernelsRunOnceAndNeighboursOfAKeyAreOneChain) {
  const auto lowered = LowerOn({{"a", "ewma(price, alpha=0.5)"},
                                {"b", "ewma(price, alpha=0.5).over(symbol) - ema(price, period=3)"},
                                {"c", "ewma(alpha=0.5) * 2"},
                                {"d", "midprice(bid, ask)"},
                                {"upper", "bollinger_bands(price).output(upper)"},
                                {"lower", "bollinger_bands(price).output(lower)"}});
  ASSERT_EQ(lowered.stages.size(), 1);
  EXPECT_EQ(lowered.stages[0].kernels.size(), 4);
  EXPECT_EQ(lowered.stages[0].by, std::vector<std::string>{"symbol"});
  EXPECT_TRUE(lowered.stages[0].columns.empty());
}

TEST(Lower, AKernelOnAKernelIsInTheSameChainUnlessTheKeyOrAnExpressionIsBetween) {
  EXPECT_EQ(LowerOn({{"a", "ewma(log_returns(price), alpha=0.5)"}}).stages.size(), 1);
  const auto other_key = LowerOn({{"a", "ewma(log_returns(price), alpha=0.5).over(venue)"}});
  ASSERT_EQ(other_key.stages.size(), 2);
  EXPECT_EQ(other_key.stages[0].by, std::vector<std::string>{"symbol"});
  EXPECT_EQ(other_key.stages[1].by, std::vector<std::string>{"venue"});
  const auto between = LowerOn({{"a", "ewma(log_returns(price) * 2, alpha=0.5)"}});
  ASSERT_EQ(between.stages.size(), 2);
  EXPECT_EQ(between.stages[1].columns.size(), 1);
  // An int64 is not read as float64 within a chain.
  EXPECT_EQ(LowerOn({{"a", "ewma(cusum(price).output(alarm))"}}).stages.size(), 2);
  // Keys in turn: the later kernel joins the first stage where it fits.
  EXPECT_EQ(
      LowerOn({{"a", "ewma(price).over(symbol)"}, {"b", "ewma(price).over(venue)"}, {"c", "ema(price).over(symbol)"}})
          .stages.size(),
      2);
}

// --- Values. ---

TEST(Lower, GivesWhatKernelsByHandGive) {
  const auto ticks = Ticks();
  const KernelSpec returns{.kernel = "log_returns"};
  const auto log_returns = ByHand(returns, ticks);
  auto with_returns = ticks->AddColumn(0, arrow::field("r", arrow::float64()), log_returns).ValueOrDie();
  const auto doubled =
      BoundExpression::Bind(*ParseExpression("r * 2 + volume").ValueOrDie(), *with_returns->schema(), "")
          .ValueOrDie()
          .Run(*with_returns)
          .ValueOrDie();
  auto with_doubled = with_returns->AddColumn(0, arrow::field("d", arrow::float64()), doubled).ValueOrDie();

  const auto lowered = LowerOn({{"", "log_returns(price)"},
                                {"smooth", "ewma(log_returns(price).over(symbol), alpha=0.06).over(venue)"},
                                {"mixed", "ewma(log_returns(price) * 2 + volume, alpha=0.5)"},
                                {"spread", "ewma(ask - bid, alpha=0.25)"},
                                {"band", "bollinger_bands(price, window=5)"},
                                {"time", "ewma(price, halflife='5ms', timestamp=timestamp)"},
                                {"positive", "log_returns(price) > 0"}});
  const auto result = RunLowered(lowered, ticks);
  const KernelSpec on_returns{.kernel = "ewma", .options = {{"alpha", 0.06}}, .columns = {{"x", "r"}}};
  const KernelSpec on_doubled{.kernel = "ewma", .options = {{"alpha", 0.5}}, .columns = {{"x", "d"}}};
  EXPECT_TRUE(SameBits(*result->column(0), *log_returns));
  EXPECT_TRUE(SameBits(*result->GetColumnByName("smooth"), *ByHand(on_returns, with_returns, {"venue"})));
  EXPECT_TRUE(SameBits(*result->GetColumnByName("mixed"), *ByHand(on_doubled, with_doubled)));
  const KernelSpec bands{.kernel = "bollinger_bands", .options = {{"window", int64_t{5}}}};
  EXPECT_TRUE(SameBits(*result->GetColumnByName("band_mid"), *ByHand(bands, ticks, {"symbol"}, 0)));
  EXPECT_TRUE(SameBits(*result->GetColumnByName("band_lower"), *ByHand(bands, ticks, {"symbol"}, 2)));
  const KernelSpec timed{.kernel = "ewma", .options = {{"halflife", std::string("5ms")}}};
  EXPECT_TRUE(SameBits(*result->GetColumnByName("time"), *ByHand(timed, ticks)));
  const auto& positive = static_cast<const arrow::BooleanArray&>(*result->GetColumnByName("positive"));
  for (int64_t row = 0; row < positive.length(); ++row) {
    ASSERT_EQ(positive.IsNull(row), log_returns->IsNull(row));
    if (positive.IsNull(row)) continue;
    ASSERT_EQ(positive.Value(row), static_cast<const arrow::DoubleArray&>(*log_returns).Value(row) > 0);
  }
}

}  // namespace
}  // namespace sabot::operators
