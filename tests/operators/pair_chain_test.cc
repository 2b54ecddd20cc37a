// Chains of kernels that read two symbols: whose rows they see, and what a snapshot of them is. The laws that every
// kernel obeys are in laws_test.cc.
#include <arrow/array/builder_dict.h>
#include <arrow/compute/api.h>
#include <arrow/compute/initialize.h>
#include <arrow/table.h>
#include <gtest/gtest.h>

#include "sabot/data/errors.h"
#include "sabot/operators/kernel_chain.h"
#include "tests/operators/sample_ticks.h"

namespace sabot::operators {
namespace {

KernelSpec Covariance(kernels::OptionValue a = std::string("S0"), kernels::OptionValue b = std::string("S1")) {
  return {.kernel = "hayashi_yoshida_cov", .options = {{"symbol_a", std::move(a)}, {"symbol_b", std::move(b)}}};
}

arrow::Status Refusal(std::vector<KernelSpec> kernels, std::vector<std::string> by = {"symbol"}) {
  const auto status = KernelChain::Make(std::move(kernels), std::move(by)).status();
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kOption) << status;
  return status;
}

// The output of a fresh chain over these symbols and the sample's times and prices.
arrow::Result<std::shared_ptr<arrow::Array>> OutputOf(const KernelSpec& kernel,
                                                      const std::shared_ptr<arrow::Array>& symbols) {
  const auto ticks = SampleTicks({.rows = symbols->length()});
  ARROW_ASSIGN_OR_RAISE(const auto with, ticks->SetColumn(0, arrow::field("symbol", symbols->type()), symbols));
  ARROW_ASSIGN_OR_RAISE(auto chain, KernelChain::Make({kernel}));
  ARROW_ASSIGN_OR_RAISE(const auto result, chain.Process(with));
  return result->column(with->num_columns());
}

TEST(PairChain, RefusesKernelsOfAnotherKey) {
  EXPECT_EQ(Refusal({Covariance(), {.kernel = "ewma"}}).message(),
            "hayashi_yoshida_cov reads the pair 'S0', 'S1', ewma reads no pair: kernels of one pass have one key. Run "
            "those of each pair by themselves, as Stream.kernel does.");
  EXPECT_EQ(Refusal({{.kernel = "midprice"}, Covariance()}).message(),
            "midprice reads no pair, hayashi_yoshida_cov reads the pair 'S0', 'S1': kernels of one pass have one key. "
            "Run those of each pair by themselves, as Stream.kernel does.");
  EXPECT_NE(Refusal({Covariance("S0", "S1"), Covariance("S1", "S0")}).message().find("reads the pair 'S1', 'S0'"),
            std::string::npos);
  EXPECT_EQ(Refusal({Covariance()}, {"symbol", "venue"}).message(),
            "hayashi_yoshida_cov: by= names 2 key columns, but the pair's symbols are values of one. Name that one.");
  EXPECT_NE(Refusal({Covariance()}, {}).message().find("by= names no key column"), std::string::npos);
}

TEST(PairChain, RefusesSymbolsThatAreNone) {
  EXPECT_EQ(Refusal({Covariance(true)}).message(),
            "hayashi_yoshida_cov: option 'symbol_a' must be a symbol (a string or an integer), found True.");
  EXPECT_EQ(Refusal({Covariance(int64_t{7}, std::string("7"))}).message(),
            "hayashi_yoshida_cov: options 'symbol_a' and 'symbol_b' are both '7'. Give two symbols.");
  auto roles = Covariance();
  roles.columns = {{"leg", "side"}};
  EXPECT_NE(Refusal({roles}).message().find("input 'leg', which it does not have"), std::string::npos);
}

TEST(PairChain, RefusesTextWhereTheColumnHoldsIntegers) {
  const auto numbers = SampleTicks({.rows = 10})->column(1);
  for (const char* symbol : {"S1", "007", "", "1.0", "+1", " 1", "99999999999999999999"}) {
    const auto status = OutputOf(Covariance(int64_t{1}, std::string(symbol)), numbers).status();
    EXPECT_EQ(data::KindOf(status), data::ErrorKind::kOption) << status;
    EXPECT_EQ(status.message(), "hayashi_yoshida_cov: option 'symbol_b' is '" + std::string(symbol) +
                                    "', but key column 'symbol' holds int64. Give one of its values, an integer.");
  }
  const auto prices = SampleTicks({.rows = 10})->GetColumnByName("price");
  EXPECT_EQ(data::KindOf(OutputOf(Covariance(), prices).status()), data::ErrorKind::kSchema);
}

// Symbols are compared by value: an index of a dictionary says nothing, and a dictionary may say a value twice.
TEST(PairChain, TheEncodingOfSymbolsChangesNothing) {
  ASSERT_TRUE(arrow::compute::Initialize().ok());
  const auto symbols = SampleTicks()->column(0);
  const auto expected = OutputOf(Covariance(), symbols).ValueOrDie();
  EXPECT_GT(expected->length() - expected->null_count(), 100);
  const auto same = [&](const std::shared_ptr<arrow::Array>& encoded) {
    return SameBits(*expected, *OutputOf(Covariance(), encoded).ValueOrDie());
  };
  for (const auto& type : {arrow::large_utf8(), arrow::utf8_view()}) {
    EXPECT_TRUE(same(arrow::compute::Cast(*symbols, type).ValueOrDie())) << type->ToString();
  }
  EXPECT_TRUE(same(arrow::compute::DictionaryEncode(symbols)->make_array()));

  arrow::StringBuilder values;
  ASSERT_TRUE(values.AppendValues({"no row's", "S4", "S1", "S0", "S3", "S2", "S0"}).ok());
  const auto dictionary = values.Finish().ValueOrDie();
  auto places = arrow::compute::IndexIn(symbols, dictionary)->make_array();
  EXPECT_TRUE(same(arrow::DictionaryArray::FromArrays(places, dictionary).ValueOrDie()));

  // As numbers, whose text is no number's of the column.
  const auto numbers = arrow::compute::Cast(*places, arrow::uint8()).ValueOrDie();
  EXPECT_TRUE(SameBits(*expected, *OutputOf(Covariance(int64_t{3}, int64_t{2}), numbers).ValueOrDie()));
  EXPECT_TRUE(SameBits(*expected, *OutputOf(Covariance(std::string("3"), std::string("2")), numbers).ValueOrDie()));
  EXPECT_EQ(OutputOf(Covariance(int64_t{-3}, int64_t{2}), arrow::compute::Cast(*places, arrow::int8()).ValueOrDie())
                .ValueOrDie()
                ->null_count(),
            expected->length());
}

TEST(PairChain, TheOrderOfThePairIsSaidByItsOptionsAlone) {
  const auto symbols = SampleTicks()->column(0);
  EXPECT_TRUE(SameBits(*OutputOf(Covariance("S0", "S1"), symbols).ValueOrDie(),
                       *OutputOf(Covariance("S1", "S0"), symbols).ValueOrDie()));
}

TEST(PairChain, RowsOfOthersLeaveNoState) {
  auto chain = KernelChain::Make({Covariance("S0", "nobody")}).ValueOrDie();
  const auto ticks = SampleTicks();
  ASSERT_TRUE(chain.Process(ticks).ok());
  EXPECT_EQ(chain.Snapshot(0).ValueOrDie()->num_rows(), 1);
  auto others = KernelChain::Make({Covariance("no one", "nobody")}).ValueOrDie();
  EXPECT_EQ(others.Process(ticks).ValueOrDie()->column(ticks->num_columns())->null_count(), ticks->num_rows());
  EXPECT_EQ(others.Snapshot(0).ValueOrDie()->num_rows(), 0);
}

// Numbers of symbols that nobody asked for do not pile up.
TEST(PairChain, ManyOtherSymbolsChangeNothing) {
  const auto ours = SampleTicks({.rows = 300, .symbols = 2});
  auto with = KernelChain::Make({Covariance()}).ValueOrDie(), without = KernelChain::Make({Covariance()}).ValueOrDie();
  for (uint64_t round = 0; round < 4; ++round) {
    const auto others =
        SampleTicks({.rows = 40'000, .symbols = 1'000'000, .seed = round, .prefix = "other" + std::to_string(round)});
    ASSERT_TRUE(with.Process(others).ok());
    EXPECT_TRUE(SameBits(*with.Process(ours->Slice(static_cast<int64_t>(round) * 75, 75)).ValueOrDie(),
                         *without.Process(ours->Slice(static_cast<int64_t>(round) * 75, 75)).ValueOrDie()));
  }
}

TEST(PairChain, ASnapshotHasThePairAsItsKey) {
  auto chain = KernelChain::Make({Covariance("S0", "S1")}).ValueOrDie();
  const auto ticks = SampleTicks();
  ASSERT_TRUE(chain.Process(ticks).ok());
  const auto snapshot = chain.Snapshot(0).ValueOrDie();
  ASSERT_EQ(snapshot->num_rows(), 1);
  EXPECT_EQ(snapshot->field(0)->name(), "symbol_a");
  EXPECT_EQ(snapshot->field(1)->name(), "symbol_b");
  EXPECT_EQ(snapshot->column(0)->GetScalar(0).ValueOrDie()->ToString(), "S0");
  EXPECT_EQ(snapshot->column(1)->GetScalar(0).ValueOrDie()->ToString(), "S1");
  const auto [spec, by] = KernelChain::SpecOf(*snapshot->schema()).ValueOrDie();
  EXPECT_EQ(by, (std::vector<std::string>{"symbol"}));
  EXPECT_EQ(spec.options, chain.kernels()[0].options);

  auto other = KernelChain::Make({Covariance("S0", "S2")}).ValueOrDie();
  EXPECT_EQ(data::KindOf(other.Restore(0, *snapshot)), data::ErrorKind::kSnapshot);
  auto twice = KernelChain::Make({Covariance("S0", "S1")}).ValueOrDie();
  ASSERT_TRUE(twice.Restore(0, *snapshot).ok());
  EXPECT_EQ(data::KindOf(twice.Restore(0, *snapshot)), data::ErrorKind::kSnapshot);
}

// A column of the input may have the name of a key column.
TEST(PairChain, ColumnsMayBeCalledLikeTheKey) {
  const auto ticks = SampleTicks();
  auto chain = KernelChain::Make({Covariance()}).ValueOrDie(), plain = KernelChain::Make({Covariance()}).ValueOrDie();
  const auto with = ticks->AddColumn(0, "symbol_a", ticks->column(1)).ValueOrDie();
  EXPECT_TRUE(SameBits(*chain.Process(with).ValueOrDie()->GetColumnByName("hy_cov"),
                       *plain.Process(ticks).ValueOrDie()->GetColumnByName("hy_cov")));
}

}  // namespace
}  // namespace sabot::operators
