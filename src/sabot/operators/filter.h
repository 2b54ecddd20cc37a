// Keeps the rows for which an expression is true; null is not. With a reject log instead of a sieve: what is not true
// is rejected, with its reason, place and values.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "sabot/operators/expression.h"
#include "sabot/operators/operator.h"

namespace sabot::operators {

class Filter final : public Operator {
 public:
  Filter(ExpressionPtr keep, const OperatorContext& context) : keep_(std::move(keep)), places_(context.places) {}
  // Rows that fail are added to the context's log with `reason`.
  Filter(ExpressionPtr keep, std::string reason, const OperatorContext& context)
      : keep_(std::move(keep)), places_(context.places), reason_(std::move(reason)), rejects_(context.rejects) {}

  std::string_view name() const override { return rejects_ == nullptr ? "filter" : "require"; }
  // Error (kSchema): the expression is not boolean.
  arrow::Result<SchemaVector> Bind(const SchemaVector& inputs) override;
  arrow::Result<Progress> Process(int input, const data::Batch& batch, Output& output) override;
  bool needs_places() const override { return rejects_ != nullptr; }
  bool stateful() const override { return rejects_ != nullptr; }  // The log takes rows in their order.

 private:
  arrow::Status Reject(const data::Batch& batch, const arrow::BooleanArray& kept) const;

  ExpressionPtr keep_;
  bool places_;
  std::string reason_;
  std::shared_ptr<data::RejectLog> rejects_;
  std::optional<BoundExpression> bound_;
};

}  // namespace sabot::operators
