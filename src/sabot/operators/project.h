// Makes the columns of its output from those of its input: chosen, renamed, or computed. What select, rename and
// with_columns come down to.
#pragma once

#include <arrow/type.h>

#include <string>
#include <vector>

#include "sabot/operators/expression.h"
#include "sabot/operators/operator.h"

namespace sabot::operators {

class Project final : public Operator {
 public:
  // The output has exactly these columns, in this order; `verb` is what the user called, for messages.
  Project(std::string verb, std::vector<NamedExpression> columns)
      : verb_(std::move(verb)), columns_(std::move(columns)) {}

  std::string_view name() const override { return verb_; }
  // Errors (kSchema): those of an expression; a name that two columns have.
  arrow::Result<SchemaVector> Bind(const SchemaVector& inputs) override;
  arrow::Result<Progress> Process(int input, const data::Batch& batch, Output& output) override;

 private:
  struct Source {                 // Of one output column:
    int column = -1;              // of the input as it is, or
    std::size_t expression = 0;  // computed.
  };

  std::string verb_;
  std::vector<NamedExpression> columns_;
  std::vector<Source> sources_;
  std::vector<BoundExpression> expressions_;
  std::shared_ptr<arrow::Schema> schema_;
};

// The columns of `schema`, with `columns` in the place of those of the same name, or appended.
std::vector<NamedExpression> WithColumns(const arrow::Schema& schema, const std::vector<NamedExpression>& columns);

}  // namespace sabot::operators
