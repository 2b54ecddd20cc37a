#include "sabot/operators/data_quality.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compute/cast.h>
#include <arrow/util/checked_cast.h>

#include <algorithm>
#include <utility>

#include "sabot/data/errors.h"
#include "sabot/operators/row_hash.h"

namespace sabot::operators {
namespace {

using arrow::internal::checked_cast;

constexpr const char* kName = "data_quality";

// Nanoseconds of a time column, as int64.
arrow::Result<std::shared_ptr<arrow::Array>> Nanoseconds(const std::shared_ptr<arrow::Array>& times) {
  if (times->type_id() == arrow::Type::INT64) return times;
  const auto& type = checked_cast<const arrow::TimestampType&>(*times->type());
  return arrow::compute::Cast(*times, arrow::timestamp(arrow::TimeUnit::NANO, type.timezone()));
}

// Held at the ends of int64, which no clock reaches.
int64_t Difference(int64_t later, int64_t earlier) {
  int64_t difference = 0;
  if (!__builtin_sub_overflow(later, earlier, &difference)) return difference;
  return later < earlier ? INT64_MIN : INT64_MAX;
}

// The column's index, or -1 where there is none.
arrow::Result<int> Find(const arrow::Schema& schema, const std::string& name, bool is_time) {
  const int column = schema.GetFieldIndex(name);
  if (column < 0) return column;
  const auto& type = *schema.field(column)->type();
  const bool fits = is_time ? type.id() == arrow::Type::TIMESTAMP || type.id() == arrow::Type::INT64
                            : type.id() == arrow::Type::DOUBLE;
  if (fits) return column;
  return data::SchemaError(std::string(kName) + ": column '" + name + "' is " + type.ToString() + ", expected " +
                           (is_time ? "a timestamp or int64 nanoseconds" : "float64") + ". Cast or rename it.");
}

}  // namespace

arrow::Result<SchemaVector> DataQuality::Bind(const SchemaVector& inputs) {
  const arrow::Schema& schema = *inputs.front();
  if (options_.gap_ns < 1) {
    return data::OptionError(std::string(kName) + ": gap is " + std::to_string(options_.gap_ns) +
                             " ns, expected more than 0.");
  }
  ARROW_ASSIGN_OR_RAISE(keys_, data::KeyIndex::Make(schema, options_.by));
  ARROW_ASSIGN_OR_RAISE(time_, Find(schema, "timestamp", /*is_time=*/true));
  ARROW_ASSIGN_OR_RAISE(local_time_, Find(schema, "local_timestamp", /*is_time=*/true));
  ARROW_ASSIGN_OR_RAISE(bid_, Find(schema, "bid", /*is_time=*/false));
  ARROW_ASSIGN_OR_RAISE(ask_, Find(schema, "ask", /*is_time=*/false));
  return inputs;
}

arrow::Result<Progress> DataQuality::Process(int /*input*/, const data::Batch& batch, Output& output) {
  const arrow::RecordBatch& rows = *batch.rows;
  const auto count = static_cast<std::size_t>(rows.num_rows());
  std::vector<int32_t> slots(count);
  std::vector<uint64_t> has_key((count + 63) / 64);
  data::Slots out{.slots = slots, .has_key = has_key};
  ARROW_RETURN_NOT_OK(keys_->Resolve(rows, 0, out));
  counters_.resize(static_cast<std::size_t>(keys_->size()));

  std::vector<int> hashed;
  for (int column = 0; column < rows.num_columns(); ++column) {
    if (column != local_time_) hashed.push_back(column);
  }
  ARROW_ASSIGN_OR_RAISE(const auto hashes, HashRows(rows, hashed));
  std::shared_ptr<arrow::Array> times;
  std::shared_ptr<arrow::Array> local_times;
  if (time_ >= 0) {
    ARROW_ASSIGN_OR_RAISE(times, Nanoseconds(rows.column(time_)));
  }
  if (local_time_ >= 0) {
    ARROW_ASSIGN_OR_RAISE(local_times, Nanoseconds(rows.column(local_time_)));
  }
  const auto* const bids = bid_ < 0 ? nullptr : &checked_cast<const arrow::DoubleArray&>(*rows.column(bid_));
  const auto* const asks = ask_ < 0 ? nullptr : &checked_cast<const arrow::DoubleArray&>(*rows.column(ask_));
  std::vector<const arrow::Array*> with_nulls;
  for (const auto& column : rows.columns()) {
    if (column->null_count() > 0) with_nulls.push_back(column.get());
  }

  for (std::size_t at = 0; at < count; ++at) {
    if (!out.all_have_key && (has_key[at / 64] >> (at % 64) & 1) == 0) continue;
    const auto row = static_cast<int64_t>(at);
    Counters& key = counters_[static_cast<std::size_t>(slots[at])];
    const auto hash = static_cast<int64_t>(hashes[at]);
    if (key.rows > 0 && key.last_hash == hash) ++key.duplicates;
    key.last_hash = hash;
    ++key.rows;
    for (const arrow::Array* const column : with_nulls) key.nulls += column->IsNull(row) ? 1 : 0;
    if (bids != nullptr && asks != nullptr && bids->IsValid(row) && asks->IsValid(row)) {
      key.crossed += bids->Value(row) > asks->Value(row) ? 1 : 0;
      key.locked += bids->Value(row) == asks->Value(row) ? 1 : 0;
    }
    if (times == nullptr || times->IsNull(row)) continue;
    const int64_t time = times->data()->GetValues<int64_t>(1)[row];
    if (key.last_time != INT64_MIN) {
      const int64_t step = Difference(time, key.last_time);
      key.backwards += step < 0 ? 1 : 0;
      key.gaps += step > options_.gap_ns ? 1 : 0;
      key.gap_max_ns = std::max(key.gap_max_ns, step);
    }
    key.last_time = time;
    if (local_times == nullptr || local_times->IsNull(row)) continue;
    const int64_t skew = Difference(local_times->data()->GetValues<int64_t>(1)[row], time);
    key.skew_min_ns = std::min(key.skew_min_ns, skew);
    key.skew_max_ns = std::max(key.skew_max_ns, skew);
  }
  ARROW_RETURN_NOT_OK(output.Emit(batch));
  return Progress::kDone;
}

arrow::Result<Progress> DataQuality::OnTime(const data::Place& frontier, Output& /*output*/) {
  if (frontier == data::kEndPlace && report_ != nullptr) {
    ARROW_ASSIGN_OR_RAISE(auto report, Report());
    report_(kName, std::move(report));
  }
  return Progress::kDone;
}

std::vector<DataQuality::Member> DataQuality::Members() const {
  constexpr int kNothing = -2;  // Always there.
  const int both = bid_ < 0 ? bid_ : ask_;
  const int skew = time_ < 0 ? time_ : local_time_;
  return {{"rows", &Counters::rows, kNothing},           {"duplicates", &Counters::duplicates, kNothing},
          {"backwards", &Counters::backwards, time_},    {"gaps", &Counters::gaps, time_},
          {"gap_max_ns", &Counters::gap_max_ns, time_},  {"crossed", &Counters::crossed, both},
          {"locked", &Counters::locked, both},           {"nulls", &Counters::nulls, kNothing},
          {"skew_min_ns", &Counters::skew_min_ns, skew}, {"skew_max_ns", &Counters::skew_max_ns, skew}};
}

arrow::Result<std::shared_ptr<arrow::Table>> DataQuality::Report() const {
  auto fields = keys_->KeyFields();
  ARROW_ASSIGN_OR_RAISE(auto columns, keys_->Keys());
  for (const Member& member : Members()) {
    arrow::Int64Builder builder;
    for (const Counters& key : counters_) {
      const int64_t value = key.*member.value;
      const bool none = member.needs == -1 || value == INT64_MAX || value == INT64_MIN;
      ARROW_RETURN_NOT_OK(none ? builder.AppendNull() : builder.Append(value));
    }
    fields.push_back(arrow::field(member.name, arrow::int64()));
    ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), builder.Finish());
  }
  return arrow::Table::Make(arrow::schema(std::move(fields)), std::move(columns));
}

arrow::Result<std::vector<std::shared_ptr<arrow::Table>>> DataQuality::Snapshot() const {
  auto fields = keys_->KeyFields();
  ARROW_ASSIGN_OR_RAISE(auto columns, keys_->Keys());
  auto members = Members();
  members.push_back({"last_time", &Counters::last_time, 0});
  members.push_back({"last_hash", &Counters::last_hash, 0});
  for (const Member& member : members) {
    arrow::Int64Builder builder;
    for (const Counters& key : counters_) ARROW_RETURN_NOT_OK(builder.Append(key.*member.value));
    fields.push_back(arrow::field(member.name, arrow::int64(), /*nullable=*/false));
    ARROW_ASSIGN_OR_RAISE(columns.emplace_back(), builder.Finish());
  }
  return std::vector{arrow::Table::Make(arrow::schema(std::move(fields)), std::move(columns))};
}

arrow::Status DataQuality::Restore(const std::vector<std::shared_ptr<arrow::Table>>& snapshot) {
  auto members = Members();
  members.push_back({"last_time", &Counters::last_time, 0});
  members.push_back({"last_hash", &Counters::last_hash, 0});
  const auto keys = options_.by.size();
  if (snapshot.size() != 1 || snapshot[0]->num_columns() != static_cast<int>(keys + members.size())) {
    return data::SnapshotError(std::string(kName) +
                               ": this is no snapshot of it by these keys. Restore into the same "
                               "pipeline.");
  }
  ARROW_ASSIGN_OR_RAISE(const auto rows, snapshot[0]->CombineChunksToBatch());
  arrow::ArrayVector key_columns(rows->columns().begin(), rows->columns().begin() + static_cast<std::ptrdiff_t>(keys));
  std::vector<int32_t> slots(static_cast<std::size_t>(rows->num_rows()));
  ARROW_RETURN_NOT_OK(keys_->Insert(key_columns, slots));
  counters_.resize(static_cast<std::size_t>(keys_->size()));
  for (std::size_t member = 0; member < members.size(); ++member) {
    const auto column = rows->column(static_cast<int>(keys + member));
    if (column->type_id() != arrow::Type::INT64 || column->null_count() > 0) {
      return data::SnapshotError(std::string(kName) + ": column '" + members[member].name +
                                 "' of the snapshot is not what was saved: " + column->type()->ToString() + ".");
    }
    const auto* const values = column->data()->GetValues<int64_t>(1);
    for (std::size_t row = 0; row < slots.size(); ++row) {
      counters_[static_cast<std::size_t>(slots[row])].*members[member].value = values[row];
    }
  }
  return arrow::Status::OK();
}

}  // namespace sabot::operators
