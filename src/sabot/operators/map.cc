#include "sabot/operators/map.h"

#include <utility>

#include "sabot/data/errors.h"

namespace sabot::operators {

std::string WhereIs(const data::Batch& batch) {
  if (batch.num_rows() == 0 || batch.places.rows() == 0) {
    return "a batch of " + std::to_string(batch.num_rows()) + " rows";
  }
  return "the batch of " + std::to_string(batch.num_rows()) + " rows from " + batch.places.at(0).ToString() + " to " +
         batch.places.at(batch.num_rows() - 1).ToString();
}

arrow::Result<SchemaVector> Map::Bind(const SchemaVector& /*inputs*/) { return SchemaVector{options_.output}; }

arrow::Result<std::vector<std::shared_ptr<arrow::Table>>> Map::Snapshot() const {
  if (options_.snapshot == nullptr) return Operator::Snapshot();
  return options_.snapshot();
}

arrow::Status Map::Restore(const std::vector<std::shared_ptr<arrow::Table>>& snapshot) {
  return options_.restore == nullptr ? Operator::Restore(snapshot) : options_.restore(snapshot);
}

arrow::Result<Progress> Map::Process(int /*input*/, const data::Batch& batch, Output& output) {
  ARROW_ASSIGN_OR_RAISE(made_, function_(batch));
  ARROW_RETURN_NOT_OK(Check(batch, made_));
  next_ = 0;
  rows_given_ = 0;
  places_ = batch.places;
  return Resume(output);
}

arrow::Result<Progress> Map::Resume(Output& output) {
  while (next_ < made_.size()) {
    auto rows = std::exchange(made_[next_++], nullptr);
    if (rows->num_rows() == 0) continue;
    data::Places places = places_;
    if (!options_.keeps_rows && places_.rows() > 0) {
      ARROW_ASSIGN_OR_RAISE(places,
                            data::Places::MadeOf(places_.at(places_.rows() - 1), rows_given_, rows->num_rows()));
      rows_given_ += rows->num_rows();
    }
    ARROW_ASSIGN_OR_RAISE(const auto progress, output.Emit({.rows = std::move(rows), .places = std::move(places)}));
    if (progress == Progress::kMore && next_ < made_.size()) return Progress::kMore;
  }
  made_.clear();
  return Progress::kDone;
}

arrow::Status Map::Check(const data::Batch& batch, const arrow::RecordBatchVector& made) const {
  int64_t rows = 0;
  for (const auto& each : made) {
    rows += each->num_rows();
    if (each->schema()->Equals(*options_.output, /*check_metadata=*/false)) continue;
    return data::SchemaError(options_.name + ": the function returned columns (" + each->schema()->ToString() +
                             ") for " + WhereIs(batch) + ", expected (" + options_.output->ToString() +
                             "), as it did for an empty batch. Return the same columns for every batch.");
  }
  if (options_.keeps_rows && rows != batch.num_rows()) {
    return data::DataError(options_.name + ": the function returned " + std::to_string(rows) + " rows for " +
                           WhereIs(batch) + ". Return one row for each, or use flat_map.");
  }
  return arrow::Status::OK();
}

}  // namespace sabot::operators
