#include "sabot/backtest/paper.h"

#include <arrow/array.h>
#include <arrow/builder.h>

#include <optional>
#include <utility>
#include <vector>

#include "sabot/backtest/result_tables.h"
#include "sabot/backtest/simulation.h"
#include "sabot/backtest/tick_types.h"
#include "sabot/data/errors.h"
#include "sabot/data/key_index.h"

namespace sabot::backtest {
namespace {

// Of a slot's key, as the strategy's configuration names it.
arrow::Result<std::string> NameOfKey(const arrow::Array& keys, int64_t slot) {
  ARROW_ASSIGN_OR_RAISE(const auto key, keys.GetScalar(slot));
  return key->ToString();
}

class SymbolSimulations final : public PaperTrading {
 public:
  SymbolSimulations(RunPlan plan, std::string by) : plan_(std::move(plan)), by_(std::move(by)) {}

  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Push(const std::shared_ptr<arrow::RecordBatch>& ticks) override {
    ARROW_RETURN_NOT_OK(Bind(*ticks->schema()));
    const int64_t rows = ticks->num_rows();
    std::vector<int32_t> slots(static_cast<std::size_t>(rows));
    std::vector<uint64_t> has_key(static_cast<std::size_t>((rows + 63) / 64));
    data::Slots out{.slots = slots, .has_key = has_key};
    ARROW_RETURN_NOT_OK(keys_->Resolve(*ticks, 0, out));
    if (rows > 0 && !out.all_have_key) {
      return data::DataError("paper trading: a tick has no " + by_ + ". Leave such rows out before it.");
    }
    ARROW_RETURN_NOT_OK(BeginNewSymbols());
    ARROW_ASSIGN_OR_RAISE(auto columns, ticks->SelectColumns(tick_columns_));
    ARROW_ASSIGN_OR_RAISE(columns, ReadableTicks(std::move(columns)));
    Fills fills;
    for (int64_t begin = 0, end = 0; begin < rows; begin = end) {  // As many of one symbol as stand together.
      const int32_t slot = slots[static_cast<std::size_t>(begin)];
      while (end < rows && slots[static_cast<std::size_t>(end)] == slot) ++end;
      ARROW_RETURN_NOT_OK(PushTo(slot, columns->Slice(begin, end - begin), rows_ + begin, fills));
    }
    rows_ += rows;
    return BatchOf(fills);
  }

  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Finish() override {
    Fills fills;
    for (std::size_t slot = 0; slot < symbols_.size(); ++slot) {
      auto& symbol = symbols_[slot];
      ARROW_RETURN_NOT_OK(Named(symbol, symbol.simulation->Finish().status()));
      Take(static_cast<int32_t>(slot), fills);
    }
    return BatchOf(fills);
  }

 private:
  struct Symbol {
    std::string name;
    std::unique_ptr<Simulation> simulation;
  };
  struct Fills {
    std::vector<int32_t> slots;
    std::vector<TradeRow> rows;
  };

  arrow::Status Bind(const arrow::Schema& schema) {
    if (schema_ != nullptr) {
      if (schema_->Equals(schema)) return arrow::Status::OK();
      return data::SchemaError("paper trading: the ticks have other columns than before: " + schema.ToString() +
                               ". Before they had: " + schema_->ToString() + ".");
    }
    ARROW_ASSIGN_OR_RAISE(keys_, data::KeyIndex::Make(schema, {by_}));
    for (const char* const name : {"timestamp", "type", "price", "volume", "side"}) {
      if (const int column = schema.GetFieldIndex(name); column >= 0) tick_columns_.push_back(column);
    }
    schema_ = std::make_shared<arrow::Schema>(schema);
    fields_ = keys_->KeyFields();
    const auto trades = TradesSchema();
    for (const auto& field : trades->fields()) fields_.push_back(field);
    return arrow::Status::OK();
  }

  arrow::Status BeginNewSymbols() {
    if (static_cast<int64_t>(symbols_.size()) == keys_->size()) return arrow::Status::OK();
    const auto first = static_cast<int64_t>(symbols_.size());
    ARROW_ASSIGN_OR_RAISE(const auto keys, keys_->Keys(first, keys_->size()));
    for (int64_t slot = 0; slot < keys[0]->length(); ++slot) {
      ARROW_ASSIGN_OR_RAISE(auto name, NameOfKey(*keys[0], slot));
      ARROW_ASSIGN_OR_RAISE(auto config, plan_.config.For(name));
      auto strategy = plan_.strategy.make(config.settings);
      ARROW_RETURN_NOT_OK(OfStrategy(strategy.status()));
      ARROW_ASSIGN_OR_RAISE(auto simulation,
                            Simulation::Make({.venue = std::move(config.venue), .equity_interval_ns = 0},
                                             std::move(strategy).ValueUnsafe()));
      symbols_.push_back({.name = std::move(name), .simulation = std::move(simulation)});
    }
    return arrow::Status::OK();
  }

  arrow::Status PushTo(int32_t slot, std::shared_ptr<arrow::RecordBatch> rows, int64_t first_row, Fills& fills) {
    auto& symbol = symbols_[static_cast<std::size_t>(slot)];
    const auto ticks = Ticks::From(std::move(rows), first_row);
    ARROW_RETURN_NOT_OK(Named(symbol, ticks.status()));
    ARROW_RETURN_NOT_OK(Named(symbol, symbol.simulation->Push(*ticks)));
    Take(slot, fills);
    return arrow::Status::OK();
  }

  void Take(int32_t slot, Fills& fills) {
    const auto rows = symbols_[static_cast<std::size_t>(slot)].simulation->TakeTrades();
    fills.rows.insert(fills.rows.end(), rows.begin(), rows.end());
    fills.slots.resize(fills.rows.size(), slot);
  }

  static arrow::Status Named(const Symbol& symbol, const arrow::Status& status) {
    return status.ok() ? status : status.WithMessage("paper trading: ", symbol.name, ": ", status.message());
  }

  arrow::Result<std::shared_ptr<arrow::RecordBatch>> BatchOf(const Fills& fills) const {
    ARROW_ASSIGN_OR_RAISE(const auto trades, TradesBatch(fills.rows));
    if (schema_ == nullptr) return trades;  // No tick ever came, so nobody knows what symbols are.
    ARROW_ASSIGN_OR_RAISE(const auto keys, keys_->Keys());
    ARROW_ASSIGN_OR_RAISE(const auto builder, arrow::MakeBuilder(keys[0]->type()));
    const arrow::ArraySpan span(*keys[0]->data());
    for (const int32_t slot : fills.slots) ARROW_RETURN_NOT_OK(builder->AppendArraySlice(span, slot, 1));
    arrow::ArrayVector columns = trades->columns();
    ARROW_ASSIGN_OR_RAISE(const auto symbols, builder->Finish());
    columns.insert(columns.begin(), symbols);
    return arrow::RecordBatch::Make(arrow::schema(fields_), trades->num_rows(), columns);
  }

  const RunPlan plan_;
  const std::string by_;
  std::shared_ptr<arrow::Schema> schema_;  // Of the ticks, once some came.
  std::optional<data::KeyIndex> keys_;
  std::vector<int> tick_columns_;
  arrow::FieldVector fields_;
  std::vector<Symbol> symbols_;
  int64_t rows_ = 0;  // Of all batches before.
};

}  // namespace

std::unique_ptr<PaperTrading> PaperTrading::Make(RunPlan plan, std::string by) {
  return std::make_unique<SymbolSimulations>(std::move(plan), std::move(by));
}

}  // namespace sabot::backtest
