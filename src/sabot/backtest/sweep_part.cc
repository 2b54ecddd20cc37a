#include "sabot/backtest/sweep_part_internal.h"

#include <arrow/array.h>
#include <arrow/builder.h>

#include <optional>
#include <utility>

namespace sabot::backtest::internal {
namespace {

// The numbers of an outcome as columns.
struct IntegerColumn {
  const char* name;
  int64_t Outcome::* member;
};
constexpr IntegerColumn kIntegers[] = {
    {"trades", &Outcome::trades},
    {"market_dates", &Outcome::market_dates},
    {"strategy_dates", &Outcome::strategy_dates},
    {"rows", &Outcome::rows},
    {"crossed", &Outcome::crossed},
    {"orders_rejected", &Outcome::orders_rejected},
};
struct NumberColumn {
  const char* name;
  double Outcome::* member;
};
constexpr NumberColumn kNumbers[] = {
    {"realized_pnl", &Outcome::realized_pnl},
    {"final_position", &Outcome::final_position},
    {"volume", &Outcome::volume},
    {"fees", &Outcome::fees},
    {"max_drawdown", &Outcome::max_drawdown},
};
struct MaybeColumn {
  const char* name;
  std::optional<double> Outcome::* member;
};
constexpr MaybeColumn kMaybes[] = {{"sharpe", &Outcome::sharpe}, {"win_rate", &Outcome::win_rate}};

// Fills the columns of a part, one after the other.
class PartWriter {
 public:
  explicit PartWriter(const SweepPart& part) : part_(part) {}

  arrow::Result<std::shared_ptr<arrow::RecordBatch>> Write() {
    ARROW_RETURN_NOT_OK(Add<arrow::StringBuilder>([](auto& to, auto& row) { return to.Append(row.security); }));
    ARROW_RETURN_NOT_OK(Add<arrow::Int64Builder>([](auto& to, auto& row) { return to.Append(row.rejected); }));
    ARROW_RETURN_NOT_OK(Add<arrow::StringBuilder>([](auto& to, auto& row) { return to.Append(row.error); }));
    for (const auto& column : kIntegers) {
      ARROW_RETURN_NOT_OK(Add<arrow::Int64Builder>([&](auto& to, auto& row) {
        return row.outcome ? to.Append((*row.outcome).*column.member) : to.AppendNull();
      }));
    }
    for (const auto& column : kNumbers) {
      ARROW_RETURN_NOT_OK(Add<arrow::DoubleBuilder>([&](auto& to, auto& row) {
        return row.outcome ? to.Append((*row.outcome).*column.member) : to.AppendNull();
      }));
    }
    for (const auto& column : kMaybes) {
      ARROW_RETURN_NOT_OK(Add<arrow::DoubleBuilder>([&](auto& to, auto& row) {
        return row.outcome ? to.AppendOrNull((*row.outcome).*column.member) : to.AppendNull();
      }));
    }
    ARROW_RETURN_NOT_OK(AddDailyPnl());
    ARROW_RETURN_NOT_OK(AddDates());
    return arrow::RecordBatch::Make(SweepPart::Schema(), rows(), std::move(columns_));
  }

 private:
  int64_t rows() const { return static_cast<int64_t>(part_.rows.size()); }

  template <typename Builder, typename Append>
  arrow::Status Add(const Append& append) {
    Builder builder;
    for (const auto& row : part_.rows) ARROW_RETURN_NOT_OK(append(builder, row));
    return builder.Finish().Value(&columns_.emplace_back());
  }

  arrow::Status AddDailyPnl() {
    const auto values = std::make_shared<arrow::DoubleBuilder>();
    arrow::ListBuilder builder(arrow::default_memory_pool(), values);
    for (const auto& row : part_.rows) {
      ARROW_RETURN_NOT_OK(builder.Append(row.outcome.has_value()));
      if (row.outcome) ARROW_RETURN_NOT_OK(values->AppendValues(row.outcome->daily_pnl));
    }
    return builder.Finish().Value(&columns_.emplace_back());
  }

  arrow::Status AddDates() {
    const auto values = std::make_shared<arrow::Int64Builder>();
    arrow::ListBuilder builder(arrow::default_memory_pool(), values);
    for (int64_t row = 0; row < rows(); ++row) {
      ARROW_RETURN_NOT_OK(builder.Append(row == 0));
      if (row == 0) ARROW_RETURN_NOT_OK(values->AppendValues(part_.dates));
    }
    return builder.Finish().Value(&columns_.emplace_back());
  }

  const SweepPart& part_;
  arrow::ArrayVector columns_;
};

template <typename Array>
const Array& ColumnOf(const arrow::RecordBatch& part, const char* name) {
  return static_cast<const Array&>(*part.GetColumnByName(name));
}

template <typename ValueArray>
auto ListOf(const arrow::RecordBatch& part, const char* name, int64_t row) {
  const auto& lists = ColumnOf<arrow::ListArray>(part, name);
  const auto& values = static_cast<const ValueArray&>(*lists.values());
  using Value = typename ValueArray::value_type;
  return std::vector<Value>(values.raw_values() + lists.value_offset(row),
                            values.raw_values() + lists.value_offset(row) + lists.value_length(row));
}

// What the types of the columns do not say: null is a number that is not there, or one of a row that failed.
arrow::Status CheckNulls(const arrow::RecordBatch& part, int64_t row) {
  const auto check = [&](const char* name) {
    if (part.GetColumnByName(name)->IsValid(row)) return arrow::Status::OK();
    return arrow::Status::Invalid("has no ", name, " in row ", row);
  };
  for (const char* name : {"security", "rejected", "error"}) ARROW_RETURN_NOT_OK(check(name));
  if (row == 0) ARROW_RETURN_NOT_OK(check("dates"));
  if (part.GetColumnByName("daily_pnl")->IsNull(row)) return arrow::Status::OK();
  for (const auto& column : kIntegers) ARROW_RETURN_NOT_OK(check(column.name));
  for (const auto& column : kNumbers) ARROW_RETURN_NOT_OK(check(column.name));
  return arrow::Status::OK();
}

// A null within a list would be read as a number.
arrow::Status CheckLists(const arrow::RecordBatch& part) {
  for (const char* name : {"daily_pnl", "dates"}) {
    if (ColumnOf<arrow::ListArray>(part, name).values()->null_count() == 0) continue;
    return arrow::Status::Invalid("has nulls in ", name);
  }
  return arrow::Status::OK();
}

}  // namespace

std::shared_ptr<arrow::Schema> SweepPart::Schema() {
  static const auto schema = [] {
    arrow::FieldVector fields = {arrow::field("security", arrow::utf8()), arrow::field("rejected", arrow::int64()),
                                 arrow::field("error", arrow::utf8())};
    for (const auto& column : kIntegers) fields.push_back(arrow::field(column.name, arrow::int64()));
    for (const auto& column : kNumbers) fields.push_back(arrow::field(column.name, arrow::float64()));
    for (const auto& column : kMaybes) fields.push_back(arrow::field(column.name, arrow::float64()));
    fields.push_back(arrow::field("daily_pnl", arrow::list(arrow::float64())));
    fields.push_back(arrow::field("dates", arrow::list(arrow::int64())));  // In the first row.
    return arrow::schema(fields);
  }();
  return schema;
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> SweepPart::ToBatch() const { return PartWriter(*this).Write(); }

arrow::Result<SweepPart> SweepPart::FromBatch(int64_t first_set, const arrow::RecordBatch& part) {
  SweepPart result{.first_set = first_set};
  ARROW_RETURN_NOT_OK(CheckLists(part));
  ARROW_RETURN_NOT_OK(CheckNulls(part, 0));
  result.dates = ListOf<arrow::Int64Array>(part, "dates", 0);
  for (int64_t at = 0; at < part.num_rows(); ++at) {
    ARROW_RETURN_NOT_OK(CheckNulls(part, at));
    auto& row = result.rows.emplace_back();
    row.security = ColumnOf<arrow::StringArray>(part, "security").GetString(at);
    row.rejected = ColumnOf<arrow::Int64Array>(part, "rejected").Value(at);
    row.error = ColumnOf<arrow::StringArray>(part, "error").GetString(at);
    if (part.GetColumnByName("daily_pnl")->IsNull(at)) continue;
    Outcome& outcome = row.outcome.emplace();
    for (const auto& column : kIntegers) {
      outcome.*column.member = ColumnOf<arrow::Int64Array>(part, column.name).Value(at);
    }
    for (const auto& column : kNumbers) {
      outcome.*column.member = ColumnOf<arrow::DoubleArray>(part, column.name).Value(at);
    }
    for (const auto& column : kMaybes) {
      const auto& values = ColumnOf<arrow::DoubleArray>(part, column.name);
      if (values.IsValid(at)) outcome.*column.member = values.Value(at);
    }
    outcome.daily_pnl = ListOf<arrow::DoubleArray>(part, "daily_pnl", at);
    if (outcome.daily_pnl.size() == result.dates.size()) continue;
    return arrow::Status::Invalid("has ", outcome.daily_pnl.size(), " days in row ", at, " and ", result.dates.size(),
                                  " dates");
  }
  return result;
}

arrow::Result<SweepPart> SweepPart::Of(int64_t first_set, std::vector<SummaryRow> rows) {
  SweepPart part{.first_set = first_set};
  bool first = true;
  for (SummaryRow& row : rows) {
    if (!row.outcome) continue;
    auto dates = std::exchange(row.outcome->dates, {});
    if (std::exchange(first, false)) part.dates = std::move(dates);
    if (row.outcome->daily_pnl.size() == part.dates.size()) continue;
    return arrow::Status::UnknownError("sweep: the ticks of ", row.security, " have ", part.dates.size(),
                                       " market dates for one set and ", row.outcome->daily_pnl.size(),
                                       " for another. This is a defect of Sabot.");
  }
  part.rows = std::move(rows);
  return part;
}

}  // namespace sabot::backtest::internal
