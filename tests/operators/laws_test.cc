// What every kernel of the registry owes (docs/concepts/same-bits.md): its output for a symbol is a function of that
// symbol's rows and the options, of nothing else. Random rows, compared bit by bit.
#include <arrow/compare.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "sabot/operators/kernel_chain.h"
#include "tests/operators/sample_ticks.h"

namespace sabot::operators {
namespace {

class EveryKernelTest : public ::testing::TestWithParam<KernelCase> {
 protected:
  static KernelChain Fresh() { return KernelChain::Make({GetParam().spec}).ValueOrDie(); }
  // The symbols that one state sees.
  static std::vector<std::set<std::string>> Keys() {
    if (Fresh().pair()) return {{"S0", "S1"}, {"S2"}};
    return {{"S0"}, {"S1"}, {"S2"}, {"S3"}};
  }
  static std::string_view Missing() { return kernels::FindKernel(GetParam().spec.kernel).ValueOrDie()->missing; }
  // A flag that is never null.
  static bool IsGuard(const arrow::Array& output) {
    return Missing() == "fails closed" && output.type_id() == arrow::Type::BOOL;
  }
};

INSTANTIATE_TEST_SUITE_P(Laws, EveryKernelTest, ::testing::ValuesIn(EveryKernel()),
                         [](const auto& instance) { return instance.param.name; });

std::vector<int64_t> RandomCuts(int64_t rows, std::mt19937_64& random) {
  std::vector<int64_t> cuts;
  for (int64_t at = 0; at < rows;) {
    at += static_cast<int64_t>(random() % 130);  // Empty batches too.
    if (at < rows) cuts.push_back(at);
  }
  return cuts;
}

std::shared_ptr<arrow::RecordBatch> Pick(const std::shared_ptr<arrow::RecordBatch>& batch,
                                         const std::vector<int64_t>& rows) {
  arrow::RecordBatchVector slices{batch->Slice(0, 0)};
  for (const int64_t row : rows) slices.push_back(batch->Slice(row, 1));
  return Concatenate(slices);
}

TEST_P(EveryKernelTest, CuttingTheRowsIntoBatchesChangesNothing) {
  for (uint64_t seed = 1; seed <= 3; ++seed) {
    const auto ticks = SampleTicks({.seed = seed});
    auto whole = Fresh(), cut = Fresh();
    std::mt19937_64 random(seed);
    EXPECT_TRUE(
        SameBits(*whole.Process(ticks).ValueOrDie(), *ProcessCut(cut, ticks, RandomCuts(ticks->num_rows(), random))));
  }
}

TEST_P(EveryKernelTest, OtherSymbolsChangeNothing) {
  const auto ticks = SampleTicks({.rows = 800, .symbols = 4});
  auto together = Fresh();
  const auto all = together.Process(ticks).ValueOrDie();
  const auto& symbols = static_cast<const arrow::StringArray&>(*ticks->column(0));
  for (const auto& key : Keys()) {
    std::vector<int64_t> rows;
    for (int64_t row = 0; row < ticks->num_rows(); ++row) {
      if (symbols.IsValid(row) && key.contains(symbols.GetString(row))) rows.push_back(row);
    }
    auto alone = Fresh();
    EXPECT_TRUE(SameBits(*Pick(all, rows), *alone.Process(Pick(ticks, rows)).ValueOrDie())) << *key.begin();
  }
}

TEST_P(EveryKernelTest, RestoreGoesOnWhereTheSnapshotStopped) {
  const auto ticks = SampleTicks({.rows = 600});
  auto undisturbed = Fresh();
  const auto expected = undisturbed.Process(ticks).ValueOrDie();
  for (const int64_t stop : {0, 1, 2, 17, 64, 300, 599, 600}) {
    auto before = Fresh(), after = Fresh();
    const auto head = before.Process(ticks->Slice(0, stop)).ValueOrDie();
    // What is frozen is the state of that moment, though it is read when the chain has gone on, and a read changes
    // nothing.
    const auto then = before.Snapshot(0).ValueOrDie();
    const auto frozen = before.Freeze(0).ValueOrDie();
    EXPECT_TRUE(SameBits(*expected->Slice(stop), *before.Process(ticks->Slice(stop)).ValueOrDie()));
    const auto snapshot = frozen->ToTable().ValueOrDie();
    ASSERT_TRUE(snapshot->ValidateFull().ok());
    EXPECT_TRUE(snapshot->schema()->Equals(*then->schema(), /*check_metadata=*/true));
    EXPECT_TRUE(snapshot->Equals(*then, arrow::EqualOptions::Defaults().nans_equal(true).signed_zeros_equal(false)))
        << "frozen at row " << stop;
    const auto restored = after.Restore(0, *snapshot);
    ASSERT_TRUE(restored.ok()) << restored;
    const auto tail = after.Process(ticks->Slice(stop)).ValueOrDie();
    EXPECT_TRUE(SameBits(*expected, *Concatenate({head, tail}))) << "stopped at row " << stop;
    // The state it ends with is the same too.
    if (stop == 300) {
      const auto left = undisturbed.Snapshot(0).ValueOrDie(), right = after.Snapshot(0).ValueOrDie();
      const auto nans_equal = arrow::EqualOptions::Defaults().nans_equal(true);
      EXPECT_TRUE(left->CombineChunksToBatch().ValueOrDie()->Equals(*right->CombineChunksToBatch().ValueOrDie(),
                                                                    /*check_metadata=*/true, nans_equal));
    }
  }
}

TEST_P(EveryKernelTest, SnapshotsMergeAndSplitBySymbol) {
  if (Fresh().pair()) GTEST_SKIP() << "a chain has one pair";
  const auto first = SampleTicks({.rows = 300, .seed = 3, .prefix = "A"}),
             second = SampleTicks({.rows = 300, .seed = 4, .prefix = "B"});
  auto one = Fresh(), other = Fresh(), both = Fresh(), merged = Fresh();
  ASSERT_TRUE(one.Process(first).ok() && other.Process(second).ok());
  ASSERT_TRUE(both.Process(first).ok() && both.Process(second).ok());
  ASSERT_TRUE(merged.Restore(0, *one.Snapshot(0).ValueOrDie()).ok());
  ASSERT_TRUE(merged.Restore(0, *other.Snapshot(0).ValueOrDie()).ok());
  const auto next = Concatenate(
      {SampleTicks({.rows = 200, .seed = 5, .prefix = "A"}), SampleTicks({.rows = 200, .seed = 6, .prefix = "B"})});
  const auto expected = both.Process(next).ValueOrDie();
  EXPECT_TRUE(SameBits(*expected, *merged.Process(next).ValueOrDie()));

  const auto whole = both.Snapshot(0).ValueOrDie();
  auto from_half = Fresh(), again = Fresh();
  ASSERT_TRUE(from_half.Restore(0, *whole->Slice(0, whole->num_rows() / 2)).ok());
  ASSERT_TRUE(from_half.Restore(0, *whole->Slice(whole->num_rows() / 2)).ok());
  ASSERT_TRUE(again.Restore(0, *whole).ok());
  const auto more = SampleTicks({.rows = 200, .seed = 7, .prefix = "B"});
  EXPECT_TRUE(SameBits(*again.Process(more).ValueOrDie(), *from_half.Process(more).ValueOrDie()));
}

TEST_P(EveryKernelTest, AMissingRowChangesNothingElsewhere) {
  if (Missing() == "positional") GTEST_SKIP() << "positional: a missing row counts";
  const auto ticks = SampleTicks({.rows = 400});
  // The same row with every number null, put in at several rows.
  arrow::ArrayVector nulls{ticks->column(0)->Slice(7, 1)};
  for (int column = 1; column < ticks->num_columns(); ++column) {
    nulls.push_back(arrow::MakeArrayOfNull(ticks->column(column)->type(), 1).ValueOrDie());
  }
  const auto missing = arrow::RecordBatch::Make(ticks->schema(), 1, nulls);
  auto plain = Fresh();
  const auto expected = plain.Process(ticks).ValueOrDie();
  for (const int64_t at : {0, 8, 50, 399}) {
    auto chain = Fresh();
    const auto with = chain.Process(Concatenate({ticks->Slice(0, at), missing, ticks->Slice(at)})).ValueOrDie();
    EXPECT_TRUE(SameBits(*expected, *Concatenate({with->Slice(0, at), with->Slice(at + 1)}))) << "put in at row " << at;
    for (int column = ticks->num_columns(); column < with->num_columns(); ++column)
      EXPECT_EQ(with->column(column)->IsNull(at), !IsGuard(*with->column(column)));
  }
}

TEST_P(EveryKernelTest, LaterRowsChangeNothing) {
  const auto ticks = SampleTicks({.rows = 500});
  auto whole = Fresh();
  const auto expected = whole.Process(ticks).ValueOrDie();
  for (const int64_t rows : {1, 63, 64, 65, 250}) {
    auto part = Fresh();
    EXPECT_TRUE(SameBits(*expected->Slice(0, rows), *part.Process(ticks->Slice(0, rows)).ValueOrDie()));
  }
}

TEST_P(EveryKernelTest, OutputsAreFiniteAndOfNullSymbolsNullUnlessTheyGuard) {
  const auto ticks = SampleTicks({.rows = 2000, .missing = 0.2});
  auto chain = Fresh();
  const auto result = chain.Process(ticks).ValueOrDie();
  for (int column = ticks->num_columns(); column < result->num_columns(); ++column) {
    ASSERT_TRUE(result->column(column)->ValidateFull().ok());
    if (IsGuard(*result->column(column))) {
      EXPECT_EQ(result->column(column)->null_count(), 0);
      continue;
    }
    for (int64_t row = 0; row < result->num_rows(); ++row) {
      if (chain.stateful() && ticks->column(0)->IsNull(row)) {
        EXPECT_TRUE(result->column(column)->IsNull(row));
      }
      if (result->column(column)->type_id() != arrow::Type::DOUBLE || result->column(column)->IsNull(row)) continue;
      EXPECT_TRUE(std::isfinite(static_cast<const arrow::DoubleArray&>(*result->column(column)).Value(row)));
    }
  }
}

TEST_P(EveryKernelTest, AnEmptyBatchHasTheWholeSchema) {
  const auto ticks = SampleTicks({.rows = 50});
  auto chain = Fresh(), other = Fresh();
  const auto empty = chain.Process(ticks->Slice(0, 0)).ValueOrDie();
  EXPECT_EQ(empty->num_rows(), 0);
  const auto full = chain.Process(ticks).ValueOrDie();
  EXPECT_TRUE(empty->schema()->Equals(full->schema()));
  EXPECT_TRUE(SameBits(*full, *other.Process(ticks).ValueOrDie()));
}

}  // namespace
}  // namespace sabot::operators
