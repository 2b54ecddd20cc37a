#include "sabot/backtest/feature_columns.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compute/cast.h>
#include <arrow/type.h>

#include <array>
#include <cmath>
#include <limits>
#include <utility>

namespace sabot::backtest {
namespace {

// One row a tick. The first is the key that all kernels with state need; there is one security.
const std::shared_ptr<arrow::Schema>& TickSchema() {
  static const auto schema =
      arrow::schema({arrow::field("symbol", arrow::dictionary(arrow::int32(), arrow::utf8())),
                     arrow::field("timestamp", arrow::timestamp(arrow::TimeUnit::NANO)),
                     arrow::field("price", arrow::float64()), arrow::field("volume", arrow::float64()),
                     arrow::field("side", arrow::float64()), arrow::field("bid", arrow::float64()),
                     arrow::field("ask", arrow::float64()), arrow::field("bid_size", arrow::float64()),
                     arrow::field("ask_size", arrow::float64()), arrow::field("mid", arrow::float64())});
  return schema;
}

constexpr std::size_t kNumbers = 8;  // Columns after symbol and timestamp.

arrow::Result<operators::KernelChain> MakeChain(const std::vector<Feature>& features) {
  std::vector<operators::KernelSpec> kernels;
  for (const Feature& feature : features) kernels.push_back(feature.kernel);
  return operators::KernelChain::Make(std::move(kernels));
}

arrow::Result<std::shared_ptr<arrow::Array>> OneSymbol(int64_t rows) {
  arrow::Int32Builder indices;
  ARROW_RETURN_NOT_OK(indices.AppendValues(std::vector<int32_t>(static_cast<std::size_t>(rows), 0)));
  arrow::StringBuilder names;
  ARROW_RETURN_NOT_OK(names.Append("security"));
  ARROW_ASSIGN_OR_RAISE(auto index, indices.Finish());
  ARROW_ASSIGN_OR_RAISE(auto name, names.Finish());
  return arrow::DictionaryArray::FromArrays(TickSchema()->field(0)->type(), index, name);
}

}  // namespace

arrow::Result<std::vector<std::string>> FeatureNames(const std::vector<Feature>& features) {
  if (features.empty()) return std::vector<std::string>{};
  ARROW_ASSIGN_OR_RAISE(auto chain, MakeChain(features));
  ARROW_ASSIGN_OR_RAISE(const auto schema, chain.Bind(TickSchema()));
  std::vector<std::string> names;
  for (int i = TickSchema()->num_fields(); i < schema->num_fields(); ++i) names.push_back(schema->field(i)->name());
  return names;
}

arrow::Result<FeatureColumns> FeatureColumns::Make(const std::vector<Feature>& features, bool dates_clear) {
  FeatureColumns columns;
  columns.dates_clear_ = dates_clear;
  if (features.empty()) return columns;
  ARROW_ASSIGN_OR_RAISE(columns.chain_, MakeChain(features));
  ARROW_ASSIGN_OR_RAISE(const auto schema, columns.chain_->Bind(TickSchema()));
  columns.latest_.assign(static_cast<std::size_t>(schema->num_fields() - TickSchema()->num_fields()),
                         std::numeric_limits<double>::quiet_NaN());
  return columns;
}

arrow::Status FeatureColumns::Compute(const Ticks& ticks) {
  const int64_t rows = ticks.size();
  arrow::TimestampBuilder times(TickSchema()->field(1)->type(), arrow::default_memory_pool());
  std::array<arrow::DoubleBuilder, kNumbers> numbers;
  ARROW_RETURN_NOT_OK(times.Reserve(rows));
  for (auto& builder : numbers) ARROW_RETURN_NOT_OK(builder.Reserve(rows));
  for (int64_t row = 0; row < rows; ++row) {
    const Tick tick = ticks[row];
    if (dates_clear_) {
      const int64_t date = DateOf(tick.timestamp);
      if (std::exchange(date_, date) != date) book_ = {};
    }
    const bool trade = tick.type == TickType::kTrade;
    if (!trade) book_.Show(tick.type == TickType::kBid ? Side::kBuy : Side::kSell, tick.price, tick.volume);
    const bool bid = book_.bid.exists();
    const bool ask = book_.ask.exists();
    const std::array<std::pair<double, bool>, kNumbers> values{{{tick.price, trade},
                                                                {tick.volume, trade},
                                                                {tick.side, trade && tick.side != 0},
                                                                {book_.bid.price, bid},
                                                                {book_.ask.price, ask},
                                                                {book_.bid.size, bid},
                                                                {book_.ask.size, ask},
                                                                {book_.mid(), bid && ask}}};
    times.UnsafeAppend(tick.timestamp);
    for (std::size_t i = 0; i < kNumbers; ++i) {
      if (values[i].second) {
        numbers[i].UnsafeAppend(values[i].first);
      } else {
        numbers[i].UnsafeAppendNull();
      }
    }
  }
  arrow::ArrayVector columns(2);
  ARROW_ASSIGN_OR_RAISE(columns[0], OneSymbol(rows));
  ARROW_ASSIGN_OR_RAISE(columns[1], times.Finish());
  for (auto& builder : numbers) {
    ARROW_ASSIGN_OR_RAISE(auto column, builder.Finish());
    columns.push_back(std::move(column));
  }
  ARROW_ASSIGN_OR_RAISE(const auto out,
                        chain_->Process(arrow::RecordBatch::Make(TickSchema(), rows, std::move(columns))));

  const std::size_t width = latest_.size();
  values_.resize(static_cast<std::size_t>(rows) * width);
  for (std::size_t feature = 0; feature < width; ++feature) {
    auto column = out->column(TickSchema()->num_fields() + static_cast<int>(feature));
    if (column->type_id() != arrow::Type::DOUBLE) {
      ARROW_ASSIGN_OR_RAISE(column,
                            arrow::compute::Cast(*column, arrow::float64(), arrow::compute::CastOptions::Unsafe()));
    }
    const auto& numbers_out = static_cast<const arrow::DoubleArray&>(*column);
    double latest = latest_[feature];
    for (int64_t row = 0; row < rows; ++row) {
      if (numbers_out.IsValid(row)) latest = numbers_out.Value(row);
      values_[static_cast<std::size_t>(row) * width + feature] = latest;
    }
    latest_[feature] = latest;
  }
  return arrow::Status::OK();
}

}  // namespace sabot::backtest
