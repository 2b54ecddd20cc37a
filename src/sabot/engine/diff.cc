#include "sabot/engine/diff.h"

#include <arrow/compare.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstring>
#include <map>
#include <utility>

#include "sabot/data/errors.h"
#include "sabot/engine/cells_internal.h"

namespace sabot::engine {
namespace {

template <class T>
T Load(std::string_view bytes) {
  T value;
  std::memcpy(&value, bytes.data(), sizeof(T));
  return value;
}

// The value as a number, wide enough for every int64; nothing for types without numbers.
std::optional<long double> Number(arrow::Type::type type, std::string_view bytes) {
  switch (type) {
    case arrow::Type::INT8:
      return Load<int8_t>(bytes);
    case arrow::Type::UINT8:
      return Load<uint8_t>(bytes);
    case arrow::Type::INT16:
      return Load<int16_t>(bytes);
    case arrow::Type::UINT16:
      return Load<uint16_t>(bytes);
    case arrow::Type::INT32:
    case arrow::Type::DATE32:
    case arrow::Type::TIME32:
      return Load<int32_t>(bytes);
    case arrow::Type::UINT32:
      return Load<uint32_t>(bytes);
    case arrow::Type::INT64:
    case arrow::Type::DATE64:
    case arrow::Type::TIME64:
    case arrow::Type::TIMESTAMP:
    case arrow::Type::DURATION:
      return Load<int64_t>(bytes);
    case arrow::Type::UINT64:
      return Load<uint64_t>(bytes);
    case arrow::Type::FLOAT:
      return Load<float>(bytes);
    case arrow::Type::DOUBLE:
      return Load<double>(bytes);
    default:
      return std::nullopt;
  }
}

bool IsNan(arrow::Type::type type, std::string_view bytes) {
  switch (type) {
    case arrow::Type::HALF_FLOAT:
      return (Load<uint16_t>(bytes) & 0x7fff) > 0x7c00;
    case arrow::Type::FLOAT:
      return std::isnan(Load<float>(bytes));
    case arrow::Type::DOUBLE:
      return std::isnan(Load<double>(bytes));
    default:
      return false;
  }
}

std::string Bits(arrow::Type::type type, std::string_view bytes) {
  const uint64_t bits = type == arrow::Type::DOUBLE  ? Load<uint64_t>(bytes)
                        : type == arrow::Type::FLOAT ? Load<uint32_t>(bytes)
                                                     : Load<uint16_t>(bytes);
  char text[16];
  return " (0x" + std::string(text, std::to_chars(std::begin(text), std::end(text), bits, 16).ptr) + ")";
}

// One column of both sides.
class Column {
 public:
  Column(const arrow::Field& field, int left, int right)
      : type_(ComparedType(field.type())->id()), left_(left), right_(right) {
    diff_.column = field.name();
  }

  // Compares the slices, whose first row is number `row`. True: the first difference of this column is in them.
  bool Compare(const arrow::RecordBatch& left, const arrow::RecordBatch& right, int64_t row, bool nan_bits) {
    left_cells_.Read(left.column(left_));
    right_cells_.Read(right.column(right_));
    const bool seen = diff_.values > 0;
    if (left_cells_.has_bytes() && right_cells_.has_bytes()) {
      if (!left_cells_.SameBuffers(right_cells_)) CompareBytes(row, nan_bits);
    } else {
      CompareNested(row);
    }
    return !seen && diff_.values > 0;
  }

  ColumnDiff& diff() { return diff_; }

 private:
  void CompareBytes(int64_t first_row, bool nan_bits) {
    const int64_t rows = left_cells_.array().length();
    for (int64_t row = 0; row < rows; ++row) {
      const auto left = left_cells_[row];
      const auto right = right_cells_[row];
      if (left == right) continue;
      const bool nans = left && right && IsNan(type_, *left) && IsNan(type_, *right);
      if (nans && !nan_bits) continue;
      if (diff_.values == 0) {
        Keep(row, first_row);
        if (nans) {
          diff_.left += Bits(type_, *left);
          diff_.right += Bits(type_, *right);
        }
      }
      ++diff_.values;
      if (left && right) Subtract(*left, *right);
    }
  }

  void CompareNested(int64_t first_row) {
    const auto options = arrow::EqualOptions::Defaults().nans_equal(true).signed_zeros_equal(false);
    const auto &left = left_cells_.array(), &right = right_cells_.array();
    if (left.RangeEquals(right, 0, left.length(), 0, options)) return;
    for (int64_t row = 0; row < left.length(); ++row) {
      if (left.RangeEquals(right, row, row + 1, row, options)) continue;
      if (diff_.values++ == 0) Keep(row, first_row);
    }
  }

  void Keep(int64_t row, int64_t first_row) {
    diff_.first_row = first_row + row;
    diff_.left = left_cells_.Text(row);
    diff_.right = right_cells_.Text(row);
  }

  void Subtract(std::string_view left, std::string_view right) {
    const auto a = Number(type_, left), b = Number(type_, right);
    if (!a || !b) return;
    const auto difference = static_cast<double>(std::fabs(*a - *b));
    if (std::isnan(difference)) return;
    diff_.max_difference = std::max(diff_.max_difference.value_or(0), difference);
  }

  arrow::Type::type type_;
  int left_, right_;
  Cells left_cells_, right_cells_;
  ColumnDiff diff_;
};

// A reader's rows, so many at a time as the other side has.
class Side {
 public:
  explicit Side(arrow::RecordBatchReader& reader) : reader_(reader) {}

  // Rows at hand; none at the end.
  arrow::Result<int64_t> Available() {
    while (!ended_ && (batch_ == nullptr || next_ == batch_->num_rows())) {
      ARROW_RETURN_NOT_OK(reader_.ReadNext(&batch_));
      next_ = 0;
      ended_ = batch_ == nullptr;
    }
    return ended_ ? 0 : batch_->num_rows() - next_;
  }
  std::shared_ptr<arrow::RecordBatch> Take(int64_t rows) {
    auto slice = batch_->Slice(next_, rows);
    next_ += rows;
    rows_ += rows;
    return slice;
  }
  int64_t rows() const { return rows_; }

 private:
  arrow::RecordBatchReader& reader_;
  std::shared_ptr<arrow::RecordBatch> batch_;
  int64_t next_ = 0;
  int64_t rows_ = 0;
  bool ended_ = false;
};

arrow::Status CheckNames(const arrow::Schema& schema, const char* side) {
  for (const auto& field : schema.fields()) {
    if (schema.GetAllFieldIndices(field->name()).size() > 1) {
      return data::SchemaError("diff: " + std::string(side) + " has two columns called '" + field->name() +
                               "', and columns are matched by name. Rename one.");
    }
  }
  return arrow::Status::OK();
}

// The columns to compare, in the left side's order; what differs in the schemas goes to `differences`.
std::vector<Column> Match(const arrow::Schema& left, const arrow::Schema& right,
                          std::vector<std::string>& differences) {
  std::vector<Column> columns;
  std::vector<int> order;
  for (int index = 0; index < left.num_fields(); ++index) {
    const auto& field = *left.field(index);
    const int other = right.GetFieldIndex(field.name());
    if (other < 0) {
      differences.push_back("column '" + field.name() + "' is in A only");
      continue;
    }
    order.push_back(other);
    const auto& type = right.field(other)->type();
    if (!ComparedType(field.type())->Equals(*ComparedType(type))) {
      differences.push_back("column '" + field.name() + "' is " + field.type()->ToString() + " in A and " +
                            type->ToString() + " in B, so its values were not compared");
      continue;
    }
    columns.emplace_back(field, index, other);
  }
  for (const auto& field : right.fields()) {
    if (left.GetFieldIndex(field->name()) < 0) differences.push_back("column '" + field->name() + "' is in B only");
  }
  if (!std::is_sorted(order.begin(), order.end())) differences.emplace_back("the columns are in another order");
  return columns;
}

// The key of a row, from both sides where they disagree.
class Keys {
 public:
  static arrow::Result<Keys> Make(const arrow::Schema& left, const arrow::Schema& right, const std::string& by) {
    Keys keys;
    keys.left_ = left.GetFieldIndex(by);
    keys.right_ = right.GetFieldIndex(by);
    if (keys.left_ >= 0 || keys.right_ >= 0 || by == DiffOptions().by) return keys;
    return data::SchemaError("diff: column '" + by + "', which by= names, is missing on both sides." +
                             data::NearestNames(by, left.field_names()));
  }
  std::string Text(const arrow::RecordBatch& left, const arrow::RecordBatch& right, int64_t row) const {
    if (left_ < 0 && right_ < 0) return "";
    if (left_ < 0) return ValueText(*right.column(right_), row);
    const auto text = ValueText(*left.column(left_), row);
    if (right_ < 0) return text;
    const auto other = ValueText(*right.column(right_), row);
    return text == other ? text : text + " in A, " + other + " in B";
  }

 private:
  int left_ = -1, right_ = -1;
};

}  // namespace

arrow::Result<DiffResult> Diff(arrow::RecordBatchReader& left, arrow::RecordBatchReader& right,
                               const DiffOptions& options, std::shared_ptr<env::Interrupt> interrupt) {
  ARROW_RETURN_NOT_OK(CheckNames(*left.schema(), "A"));
  ARROW_RETURN_NOT_OK(CheckNames(*right.schema(), "B"));
  ARROW_ASSIGN_OR_RAISE(const auto keys, Keys::Make(*left.schema(), *right.schema(), options.by));
  DiffResult result;
  auto columns = Match(*left.schema(), *right.schema(), result.schema);
  result.columns_compared = static_cast<int64_t>(columns.size());

  Side a(left), b(right);
  while (true) {
    ARROW_RETURN_NOT_OK(interrupt->Check());
    ARROW_ASSIGN_OR_RAISE(const int64_t left_rows, a.Available());
    ARROW_ASSIGN_OR_RAISE(const int64_t right_rows, b.Available());
    if (left_rows == 0 && right_rows == 0) break;
    if (left_rows == 0 || right_rows == 0) {  // Only counted.
      if (left_rows > 0) a.Take(left_rows);
      if (right_rows > 0) b.Take(right_rows);
      continue;
    }
    const int64_t first_row = a.rows(), rows = std::min(left_rows, right_rows);
    const auto left_slice = a.Take(rows), right_slice = b.Take(rows);
    for (Column& column : columns) {
      if (column.Compare(*left_slice, *right_slice, first_row, options.nan_bits)) {
        column.diff().key = keys.Text(*left_slice, *right_slice, column.diff().first_row - first_row);
      }
    }
  }

  result.rows_left = a.rows();
  result.rows_right = b.rows();
  for (Column& column : columns) {
    if (column.diff().values == 0) continue;
    if (!result.first || column.diff().first_row < result.columns[*result.first].first_row) {
      result.first = result.columns.size();
    }
    result.columns.push_back(std::move(column.diff()));
  }
  return result;
}

}  // namespace sabot::engine
