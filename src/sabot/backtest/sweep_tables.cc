#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/table.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "sabot/backtest/csv_line_internal.h"
#include "sabot/backtest/deflated_sharpe.h"
#include "sabot/backtest/set_sum_internal.h"
#include "sabot/backtest/sweep_tables_internal.h"

namespace sabot::backtest::internal {
namespace {

// Those sets that have it: numbers, true and false, or text for all of them.
arrow::Result<std::shared_ptr<arrow::Array>> ParameterColumn(const ParameterSets& sets, std::size_t name,
                                                             std::span<const int64_t> rows) {
  bool numbers = true, flags = true;
  for (const auto& set : sets.sets) {
    const auto& value = set[name];
    if (!value || std::holds_alternative<std::monostate>(*value)) continue;
    numbers &= std::holds_alternative<double>(*value);
    flags &= std::holds_alternative<bool>(*value);
  }
  const auto build = [&](auto builder, const auto& append) -> arrow::Result<std::shared_ptr<arrow::Array>> {
    for (const int64_t row : rows) {
      const auto& value = sets.sets[static_cast<std::size_t>(row)][name];
      const bool missing = !value || std::holds_alternative<std::monostate>(*value);
      ARROW_RETURN_NOT_OK(missing ? builder.AppendNull() : append(builder, *value));
    }
    return builder.Finish();
  };
  if (numbers) {
    return build(arrow::DoubleBuilder(),
                 [](auto& to, const auto& value) { return to.Append(std::get<double>(value)); });
  }
  if (flags) {
    return build(arrow::BooleanBuilder(), [](auto& to, const auto& value) { return to.Append(std::get<bool>(value)); });
  }
  return build(arrow::StringBuilder(), [](auto& to, const ParameterValue& value) {
    if (const auto* flag = std::get_if<bool>(&value)) return to.Append(*flag ? "true" : "false");
    if (const auto* text = std::get_if<std::string>(&value)) return to.Append(*text);
    CsvLines number;
    return to.Append(number.Number(std::get<double>(value)).text());
  });
}

// A table that is put together column by column.
class Columns {
 public:
  arrow::Status Add(const std::string& name, arrow::Result<std::shared_ptr<arrow::Array>> array) {
    ARROW_RETURN_NOT_OK(array.status());
    fields_.push_back(arrow::field(name, (*array)->type()));
    arrays_.push_back(*std::move(array));
    return arrow::Status::OK();
  }
  arrow::Status AddParameters(const ParameterSets& sets, std::span<const int64_t> rows) {
    for (std::size_t name = 0; name < sets.names.size(); ++name) {
      ARROW_RETURN_NOT_OK(Add(sets.names[name], ParameterColumn(sets, name, rows)));
    }
    return arrow::Status::OK();
  }
  arrow::Status AddIntegers(const std::string& name, std::span<const int64_t> values) {
    arrow::Int64Builder builder;
    ARROW_RETURN_NOT_OK(builder.AppendValues(values.data(), static_cast<int64_t>(values.size())));
    return Add(name, builder.Finish());
  }
  std::shared_ptr<arrow::Table> Table() const { return arrow::Table::Make(arrow::schema(fields_), arrays_); }

 private:
  arrow::FieldVector fields_;
  arrow::ArrayVector arrays_;
};

// Ranges of sets that no part of any security crosses, of so many sets each that tables of them are worth while.
std::vector<SetRange> ChunksOf(const SweepPlan& plan, const SweepParts& parts) {
  constexpr int64_t kSetsOfChunk = 1'024;
  std::map<int64_t, std::size_t> begins;  // How many securities have a part that begins there.
  for (std::size_t security = 0; security < plan.securities.size(); ++security) {
    for (const SetRange& part : parts.Found(security)) ++begins[part.first];
  }
  std::vector<SetRange> chunks = {{0, plan.sets.size()}};
  for (const auto& [begin, securities] : begins) {
    SetRange& last = chunks.back();
    if (securities < plan.securities.size() || begin - last.first < kSetsOfChunk) continue;
    const int64_t end = last.first + last.count;
    last.count = begin - last.first;
    chunks.push_back({begin, end - begin});
  }
  return chunks;
}

// The parts of all securities with some sets.
class Chunk {
 public:
  Chunk(const SweepPlan& plan, SetRange sets, const SweepParts& parts)
      : plan_(plan), first_set_(sets.first), sets_(static_cast<std::size_t>(sets.count)), parts_(parts) {}

  arrow::Result<std::shared_ptr<arrow::Table>> Read(std::vector<SetSum>& sums) {
    ARROW_RETURN_NOT_OK(FindDates());
    sums.resize(sums.size() + sets_, SetSum(dates_.size()));
    const auto of_chunk = std::span(sums).last(sets_);
    std::vector<SummaryRow> rows(sets_ * plan_.securities.size());  // By set, and then by security.
    for (std::size_t security = 0; security < plan_.securities.size(); ++security) {
      ARROW_RETURN_NOT_OK(EachPart(security, [&](SweepPart& part) {
        const auto places = PlacesOf(part.dates);
        auto set = static_cast<std::size_t>(part.first_set - first_set_);
        for (auto& row : part.rows) {
          of_chunk[set].Add(row, places);
          if (row.outcome) row.outcome->daily_pnl = {};
          rows[set++ * plan_.securities.size() + security] = std::move(row);
        }
      }));
    }
    for (auto& sum : of_chunk) sum.Close();
    return TableOf(rows);
  }

 private:
  arrow::Status FindDates() {
    for (std::size_t security = 0; security < plan_.securities.size(); ++security) {
      ARROW_RETURN_NOT_OK(EachPart(security, [&](const SweepPart& part) {
        std::vector<int64_t> all;
        std::set_union(dates_.begin(), dates_.end(), part.dates.begin(), part.dates.end(), std::back_inserter(all));
        dates_ = std::move(all);
      }));
    }
    return arrow::Status::OK();
  }

  template <class Use>
  arrow::Status EachPart(std::size_t security, const Use& use) const {
    for (const SetRange& sets : parts_.Found(security)) {
      if (sets.first < first_set_ || sets.first >= first_set_ + static_cast<int64_t>(sets_)) continue;
      ARROW_ASSIGN_OR_RAISE(auto part, parts_.Get(security, sets.first));
      use(part);
    }
    return arrow::Status::OK();
  }

  std::vector<std::size_t> PlacesOf(const std::vector<int64_t>& dates) const {
    std::vector<std::size_t> places;
    for (const int64_t date : dates) {
      places.push_back(static_cast<std::size_t>(std::lower_bound(dates_.begin(), dates_.end(), date) - dates_.begin()));
    }
    return places;
  }

  arrow::Result<std::shared_ptr<arrow::Table>> TableOf(const std::vector<SummaryRow>& rows) const {
    ARROW_ASSIGN_OR_RAISE(const auto summary, SummaryBatch(rows));
    std::vector<int64_t> sets(rows.size());
    for (std::size_t row = 0; row < rows.size(); ++row) {
      sets[row] = first_set_ + static_cast<int64_t>(row / plan_.securities.size());
    }
    Columns columns;
    ARROW_RETURN_NOT_OK(columns.AddIntegers("set", sets));
    ARROW_RETURN_NOT_OK(columns.Add("security", summary->column(0)));
    ARROW_RETURN_NOT_OK(columns.AddParameters(plan_.sets, sets));
    for (int column = 1; column < summary->num_columns(); ++column) {
      ARROW_RETURN_NOT_OK(columns.Add(summary->column_name(column), summary->column(column)));
    }
    return columns.Table();
  }

  const SweepPlan& plan_;
  const int64_t first_set_;
  const std::size_t sets_;
  const SweepParts& parts_;
  std::vector<int64_t> dates_;  // With a trade of any security, in order.
};

arrow::Status AddSums(const std::vector<SetSum>& sums, double variance, int64_t trials, Columns& columns) {
  const auto integers = [&](const char* name, const auto& value) {
    arrow::Int64Builder builder;
    for (const auto& sum : sums) ARROW_RETURN_NOT_OK(builder.Append(value(sum)));
    return columns.Add(name, builder.Finish());
  };
  const auto numbers = [&](const char* name, const auto& value) {
    arrow::DoubleBuilder builder;
    for (const auto& sum : sums) ARROW_RETURN_NOT_OK(builder.AppendOrNull(value(sum)));
    return columns.Add(name, builder.Finish());
  };
  using Maybe = std::optional<double>;
  ARROW_RETURN_NOT_OK(integers("securities", [](const SetSum& sum) { return sum.securities; }));
  ARROW_RETURN_NOT_OK(integers("failed", [](const SetSum& sum) { return sum.failed; }));
  ARROW_RETURN_NOT_OK(integers("trades", [](const SetSum& sum) { return sum.trades; }));
  ARROW_RETURN_NOT_OK(numbers("realized_pnl", [](const SetSum& sum) { return Maybe(sum.realized_pnl); }));
  ARROW_RETURN_NOT_OK(numbers("fees", [](const SetSum& sum) { return Maybe(sum.fees); }));
  ARROW_RETURN_NOT_OK(numbers("pnl", [](const SetSum& sum) { return Maybe(sum.realized_pnl - sum.fees); }));
  ARROW_RETURN_NOT_OK(numbers("volume", [](const SetSum& sum) { return Maybe(sum.volume); }));
  ARROW_RETURN_NOT_OK(integers("market_dates", [](const SetSum& sum) { return sum.market_dates; }));
  ARROW_RETURN_NOT_OK(integers("strategy_dates", [](const SetSum& sum) { return sum.strategy_dates; }));
  ARROW_RETURN_NOT_OK(integers("rows", [](const SetSum& sum) { return sum.rows; }));
  ARROW_RETURN_NOT_OK(numbers("max_drawdown", [](const SetSum& sum) { return Maybe(sum.max_drawdown); }));
  ARROW_RETURN_NOT_OK(numbers("sharpe", [](const SetSum& sum) { return sum.sharpe; }));
  return numbers("deflated_sharpe", [&](const SetSum& sum) {
    return sum.moments ? DeflatedSharpe(*sum.moments, variance, trials) : std::nullopt;
  });
}

}  // namespace

arrow::Result<SweepResult> SweepTables(const SweepPlan& plan, const SweepParts& parts) {
  std::vector<SetSum> sums;
  std::vector<std::shared_ptr<arrow::Table>> chunks;
  for (const SetRange& sets : ChunksOf(plan, parts)) {
    ARROW_ASSIGN_OR_RAISE(chunks.emplace_back(), Chunk(plan, sets, parts).Read(sums));
  }
  SweepResult result;
  ARROW_ASSIGN_OR_RAISE(result.table, arrow::ConcatenateTables(chunks));

  std::vector<double> sharpes;
  for (const auto& sum : sums) {
    if (sum.moments) sharpes.push_back(sum.moments->sharpe);
    result.simulations_failed += sum.failed;
  }
  const double variance = VarianceOf(sharpes);
  result.trials = static_cast<int64_t>(sharpes.size());
  if (!sharpes.empty()) result.sharpe_expected = ExpectedMaximumSharpe(variance, result.trials) * std::sqrt(252.0);

  std::vector<int64_t> numbers(sums.size());
  for (std::size_t set = 0; set < numbers.size(); ++set) numbers[set] = static_cast<int64_t>(set);
  Columns columns;
  ARROW_RETURN_NOT_OK(columns.AddIntegers("set", numbers));
  ARROW_RETURN_NOT_OK(columns.AddParameters(plan.sets, numbers));
  ARROW_RETURN_NOT_OK(AddSums(sums, variance, result.trials, columns));
  result.by_set = columns.Table();
  return result;
}

}  // namespace sabot::backtest::internal
