#include "sabot/backtest/paper.h"

#include <arrow/table.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/backtest/tick_folder.h"

namespace sabot::backtest {
namespace {

// Ticks of two symbols, in the order of their times.
struct Mixed {
  std::vector<Tick> ticks;
  std::vector<std::string> symbols;

  std::shared_ptr<arrow::RecordBatch> Of(std::size_t begin, std::size_t end) const {
    arrow::StringBuilder names;
    std::vector<Tick> rows;
    for (std::size_t row = begin; row < end; ++row) {
      EXPECT_TRUE(names.Append(symbols[row]).ok());
      rows.push_back(ticks[row]);
    }
    const auto batch = Batch(rows);
    return batch->AddColumn(0, "symbol", names.Finish().ValueOrDie()).ValueOrDie();
  }
};

Mixed TwoSymbols() {
  const auto first = Alternating(60, 100);
  auto second = Alternating(45, 7);
  for (auto& tick : second) tick.timestamp += kSecondNs / 3;
  Mixed mixed;
  for (std::size_t a = 0, b = 0; a < first.size() || b < second.size();) {
    const bool take = b == second.size() || (a < first.size() && first[a].timestamp <= second[b].timestamp);
    mixed.ticks.push_back(take ? first[a++] : second[b++]);
    mixed.symbols.emplace_back(take ? "A" : "B");
  }
  return mixed;
}

std::shared_ptr<arrow::Table> FillsOf(const Mixed& ticks, std::size_t cut, const RunPlan& plan) {
  const auto paper = PaperTrading::Make(plan);
  arrow::RecordBatchVector fills;
  for (std::size_t begin = 0; begin < ticks.ticks.size(); begin += cut) {
    fills.push_back(paper->Push(ticks.Of(begin, std::min(begin + cut, ticks.ticks.size()))).ValueOrDie());
  }
  fills.push_back(paper->Finish().ValueOrDie());
  return arrow::Table::FromRecordBatches(fills).ValueOrDie()->CombineChunks().ValueOrDie();
}

TEST(PaperTrading, ATickWithoutASymbol) {
  const auto batch = TwoSymbols().Of(0, 3);
  arrow::StringBuilder names;
  ASSERT_TRUE(names.AppendNulls(3).ok());
  const auto paper = PaperTrading::Make(JoinsPlan());
  ExpectError(
      paper->Push(batch->SetColumn(0, arrow::field("symbol", arrow::utf8()), names.Finish().ValueOrDie()).ValueOrDie())
          .status(),
      data::ErrorKind::kData, {"symbol"});
}

TEST(PaperTrading, OtherColumnsThanBefore) {
  const auto paper = PaperTrading::Make(JoinsPlan());
  const auto batch = TwoSymbols().Of(0, 3);
  ASSERT_TRUE(paper->Push(batch).ok());
  ExpectError(paper->Push(batch->RemoveColumn(3).ValueOrDie()).status(), data::ErrorKind::kSchema, {"before"});
  ExpectError(PaperTrading::Make(JoinsPlan())->Push(batch->RemoveColumn(0).ValueOrDie()).status(),
              data::ErrorKind::kSchema, {"symbol"});
}

TEST(PaperTrading, AnErrorNamesItsSymbol) {
  const auto paper = PaperTrading::Make(JoinsPlan(R"({"B": {"fails_at": 2}})"));
  const auto status = paper->Push(TwoSymbols().Of(0, 20)).status();
  EXPECT_EQ(status.message(), "paper trading: B: it fails,\nas it was told");
}

TEST(PaperTrading, NoRowsTellTheColumns) {
  const auto paper = PaperTrading::Make(JoinsPlan());
  const auto fills = paper->Push(TwoSymbols().Of(0, 0)).ValueOrDie();
  EXPECT_EQ(fills->num_rows(), 0);
  EXPECT_EQ(fills->schema()->field_names(),
            (std::vector<std::string>{"symbol", "timestamp", "side", "fill_price", "fill_qty", "realized_pnl",
                                      "position", "pnl", "kind"}));
}

TEST(PaperTrading, FillsAreThoseOfABacktestOfEachSymbolHoweverTheStreamIsCut) {
  const Mixed ticks = TwoSymbols();
  const auto whole = FillsOf(ticks, ticks.ticks.size(), JoinsPlan());
  for (const std::size_t cut : {1, 2, 7, 100}) {
    EXPECT_TRUE(FillsOf(ticks, cut, JoinsPlan())->Equals(*whole)) << cut;
  }
  int64_t rows = 0;
  for (const std::string name : {"A", "B"}) {
    std::vector<Tick> own;
    for (std::size_t row = 0; row < ticks.ticks.size(); ++row) {
      if (ticks.symbols[row] == name) own.push_back(ticks.ticks[row]);
    }
    env::NoInterrupt interrupt;
    const auto reader = arrow::RecordBatchReader::Make({Batch(own)}).ValueOrDie();
    const auto expected = RunTicks(JoinsPlan(), name, *reader, {.keep_rows = true}, interrupt).ValueOrDie();
    arrow::RecordBatchVector found;
    for (int64_t row = 0; row < whole->num_rows(); ++row) {
      const auto symbol = whole->column(0)->GetScalar(row).ValueOrDie()->ToString();
      if (symbol != name) continue;
      found.push_back(whole->Slice(row, 1)->CombineChunksToBatch().ValueOrDie()->RemoveColumn(0).ValueOrDie());
    }
    rows += static_cast<int64_t>(found.size());
    const auto fills = arrow::ConcatenateRecordBatches(found).ValueOrDie();
    EXPECT_TRUE(fills->Equals(*expected.trades)) << name;
    EXPECT_GT(fills->num_rows(), 20);
  }
  EXPECT_EQ(rows, whole->num_rows());
}

}  // namespace
}  // namespace sabot::backtest
