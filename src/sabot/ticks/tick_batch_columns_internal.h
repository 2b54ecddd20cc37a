// The columns of a batch that ticks are read from, in forms that are read fast.
#pragma once

#include <arrow/array.h>
#include <arrow/record_batch.h>
#include <arrow/result.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "sabot/ticks/tick_batches.h"

namespace sabot::ticks {

// Whether values of a type are text, in any of its forms.
bool IsTickText(const arrow::DataType& type);

// Of one batch; null where there is none.
class TickBatches::Columns {
 public:
  Columns(const TickBatches& of, const arrow::RecordBatch& batch) : of_(of), batch_(batch) {}

  arrow::Status Open();

  // Nothing but blanks in any column, also in those that are not read.
  bool IsBlank(int64_t row) const;
  bool has_symbol() const { return symbol_ != nullptr; }
  std::string_view symbol(int64_t row) const {
    return symbol_->IsValid(row) ? symbol_->GetView(row) : std::string_view();
  }

  // The row's ticks, one or two; false with a reason.
  bool Read(int64_t row, bool local, std::pair<Tick, Tick>* ticks, std::string* reason) const;

 private:
  struct Times {
    std::shared_ptr<arrow::Int64Array> nanoseconds;
    std::shared_ptr<arrow::StringArray> text;
    bool are_numbers = false;
  };

  arrow::Status OpenText(int column, std::shared_ptr<arrow::StringArray>* text) const;
  arrow::Status OpenNumber(int column, std::shared_ptr<arrow::DoubleArray>* numbers) const;
  arrow::Status OpenTime(int column, Times* times) const;
  arrow::Status OpenDay(int column, Times* times) const;
  static arrow::Status SetNanoseconds(const std::shared_ptr<arrow::Array>& array, Times* times);

  std::string Name(int column) const { return "column '" + of_.names_[static_cast<std::size_t>(column)] + "'"; }
  bool Wrong(int column, const std::string& found, const std::string& expected, std::string* reason) const;

  bool ReadTime(int64_t row, bool local, int64_t* timestamp, std::string* reason) const;

  template <class Parse>
  bool ReadOne(int64_t row, const Times& times, int column, const Parse& parse, int64_t* timestamp,
               std::string* reason) const;

  bool ReadType(int64_t row, TickType* type, std::string* reason) const;
  bool ReadPrice(int64_t row, const arrow::DoubleArray& values, int column, double* value, std::string* reason) const;
  bool ReadVolume(int64_t row, const arrow::DoubleArray& values, int column, double* value, std::string* reason) const;
  bool ReadSide(int64_t row, Tick* tick, std::string* reason) const;

  std::string TextAt(int column, int64_t row) const;

  const TickBatches& of_;
  const arrow::RecordBatch& batch_;
  Times time_;
  Times date_;
  Times clock_;
  Times local_time_;
  std::shared_ptr<arrow::StringArray> type_;
  std::shared_ptr<arrow::StringArray> side_;
  std::shared_ptr<arrow::StringArray> symbol_;
  std::shared_ptr<arrow::DoubleArray> first_price_;  // Of a bid where rows are quotes.
  std::shared_ptr<arrow::DoubleArray> first_volume_;
  std::shared_ptr<arrow::DoubleArray> second_price_;  // Of an ask.
  std::shared_ptr<arrow::DoubleArray> second_volume_;
};

}  // namespace sabot::ticks
