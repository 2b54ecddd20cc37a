// Expressions over the columns of a batch, as data: what a user writes (text, JSON, a pyarrow expression, or
// sabot.col in Python) becomes one tree, and the tree is run by Arrow's compute functions and our deterministic ones.
// A tree may hold kernels; lowering splits it into columns and fused kernel chains.
#pragma once

#include <arrow/record_batch.h>
#include <arrow/result.h>
#include <arrow/type.h>

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "sabot/kernels/options.h"
#include "sabot/operators/kernel_chain.h"

namespace sabot::operators {

struct ExpressionTree;
using ExpressionPtr = std::shared_ptr<const ExpressionTree>;

// Made by MakeColumn and the like, which check; never by hand.
struct ExpressionTree {
  struct Column {
    std::string name;
  };
  struct Literal {
    // A null, bool, int64, float64, utf8, timestamp[ns], timestamp[ns, tz=UTC], duration[ns], or a list of one of
    // these.
    std::shared_ptr<arrow::Scalar> value;
  };
  struct Call {
    std::string function;  // Of expression_functions.h: "add", "divide", "ln", ...
    std::vector<ExpressionPtr> arguments;
    kernels::OptionMap options = {};  // In the function's order, without those that are at their default.
  };
  struct Kernel {
    std::string kernel;
    kernels::OptionMap options = {};               // As given.
    std::map<std::string, ExpressionPtr> columns = {};  // Input role -> expression, where it isn't the default column.
    std::vector<std::string> by = {};  // Empty: the stream's key.
    std::string output = {};  // Which of several; empty: the only one, or all.
  };
  std::variant<Column, Literal, Call, Kernel> node;
  int depth = 1;  // Levels of the tree: at most kExpressionDepthMax, which bounds every recursion over it.
};

inline constexpr int kExpressionDepthMax = 400;

ExpressionPtr MakeColumn(std::string name);
// Numbers of other widths become int64 or float64, times nanoseconds. Error (kOption): any other type.
arrow::Result<ExpressionPtr> MakeLiteral(const std::shared_ptr<arrow::Scalar>& value);
// Errors (kOption): an unknown function or option (nearest names), arguments too many or too few, a tree too deep.
arrow::Result<ExpressionPtr> MakeCall(std::string_view function, std::vector<ExpressionPtr> arguments,
                                      kernels::OptionMap options = {});
// Errors (kOption): an unknown kernel, option, role or output (nearest names), a value out of range, a tree too deep.
arrow::Result<ExpressionPtr> MakeKernel(ExpressionTree::Kernel kernel);

bool HasKernel(const ExpressionTree& expression);
// The columns that are named in it, each once, in order of appearance; not the default columns of kernels.
std::vector<std::string> ColumnsOf(const ExpressionTree& expression);

// A column to be made.
struct NamedExpression {
  std::string name;  // Empty: what the expression suggests (a column's or a kernel output's name).
  ExpressionPtr expression;
};

// Text as people write it: "price * volume > 1e6 and side == 1", "ewma(price, alpha=0.06).over(symbol)".
// Error (kOption): names the text, the position with a caret line, what was found, what was expected, nearest names.
arrow::Result<ExpressionPtr> ParseExpression(std::string_view text);
// The same in that form. ParseExpression(ToString(x)) is x.
std::string ToString(const ExpressionTree& expression);

// The JSON tree; its schema is published (docs/reference). Errors (kOption) name the JSON path.
arrow::Result<ExpressionPtr> ExpressionFromJson(std::string_view json);
std::string ToJson(const ExpressionTree& expression);

// An Arrow expression in Arrow's own serialised form (what pyarrow pickles), within one process. Error (kOption): a
// function outside the allow-list.
arrow::Result<ExpressionPtr> ExpressionFromArrow(const arrow::Buffer& serialized);

// A tree without kernels, bound to a schema. May be copied, and run by several threads at once.
class BoundExpression {
 public:
  // Errors (kSchema): a missing column (nearest names), types a function cannot take; (kOption): a kernel. `where`
  // begins messages.
  static arrow::Result<BoundExpression> Bind(const ExpressionTree& expression, const arrow::Schema& schema,
                                             std::string_view where);

  const std::shared_ptr<arrow::DataType>& type() const;
  // One value a row, of a batch with the schema's columns. Errors (kData) for values that a function cannot take
  // (integer overflow, text that is no number): they name the first such row and what its columns hold.
  arrow::Result<std::shared_ptr<arrow::Array>> Run(const arrow::RecordBatch& batch) const;

 private:
  struct Impl;
  explicit BoundExpression(std::shared_ptr<const Impl> impl) : impl_(std::move(impl)) {}
  std::shared_ptr<const Impl> impl_;
};

// with_columns and select, split where kernels stand: stages run one after the other.
struct LoweredStage {
  // Columns appended to (or, where the name exists, replaced in) what is there; then, if not empty, a fused chain.
  std::vector<NamedExpression> columns;
  std::vector<KernelSpec> kernels;
  std::vector<std::string> by;
  std::optional<SymbolPair> pair = std::nullopt;
};
struct Lowered {
  std::vector<LoweredStage> stages;  // Kernels' inputs and outputs have temporary names ("$0").
  std::vector<NamedExpression> columns;  // Without kernels: the result, in order, several for a kernel with several
                                         // outputs of which none was chosen.
};
// Errors as BoundExpression::Bind and KernelChain::Make. `by` is the stream's key.
arrow::Result<Lowered> Lower(const std::vector<NamedExpression>& columns, const arrow::Schema& schema,
                             const std::vector<std::string>& by, std::string_view where);

}  // namespace sabot::operators
