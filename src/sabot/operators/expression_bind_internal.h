// A tree on its way to an Arrow expression: each node with its type, and what it is a function of.
#pragma once

#include <arrow/compute/cast.h>
#include <arrow/compute/expression.h>
#include <arrow/result.h>
#include <arrow/type.h>

#include <string>
#include <vector>

#include "sabot/operators/expression.h"
#include "sabot/operators/expression_functions.h"
#include "sabot/operators/expression_types_internal.h"

namespace sabot::operators {

// A column that the Arrow expression reads: one of the batch, or a function of the entries of one that is a dictionary.
struct ExpressionSource {
  int column = 0;  // Of the batch.
  TypePtr type;
  bool of_dictionary = false;
  arrow::compute::Expression of_entry;  // Bound to one column, the entries; field 0 itself: just decoded.
  bool decoded_only = false;
};

struct BoundNode {
  arrow::compute::Expression expression;  // Over the sources, or over the entries of `dictionary`.
  TypePtr type;
  ScalarPtr literal;  // Of a literal.
  int dictionary = -1;  // The batch's column whose entries it is a function of.
};

// A call, with arguments brought to the types that the function takes, of what `rule` says. Error (any): types that it
// cannot take; the caller says where.
arrow::Result<BoundNode> ApplyRule(const FunctionInfo& function, const kernels::OptionMap& options,
                                   std::vector<BoundNode> arguments);

// Arrow's function on arguments as they are.
arrow::Result<BoundNode> ArrowCall(std::string_view function, const std::vector<BoundNode>& arguments,
                                   std::shared_ptr<arrow::compute::FunctionOptions> options = nullptr);
// As another type; the node itself where it is of that type. Integers may be rounded to floating point, else what does
// not fit is an error.
arrow::Result<BoundNode> CastNode(BoundNode node, const TypePtr& type);
// The type that values of these types are compared or chosen in. Error (any): there is none.
arrow::Result<TypePtr> CommonType(const std::vector<BoundNode>& nodes);
BoundNode LiteralNode(ScalarPtr value);

}  // namespace sabot::operators
