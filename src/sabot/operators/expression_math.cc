#include "sabot/operators/expression_math.h"

#include <arrow/compute/function.h>
#include <arrow/compute/initialize.h>
#include <arrow/compute/registry.h>
#include <arrow/util/bit_util.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "sabot/kernels/math.h"

namespace sabot::operators {
namespace {

namespace cp = arrow::compute;
namespace math = kernels::math;

std::span<double> Output(cp::ExecResult* out, int64_t length) {
  return {out->array_span_mutable()->GetValues<double>(1), static_cast<std::size_t>(length)};
}

// Values of an argument, one a row.
void Fill(const cp::ExecValue& argument, std::span<double> values) {
  if (argument.is_scalar()) {
    const auto& scalar = static_cast<const arrow::DoubleScalar&>(*argument.scalar);
    std::fill(values.begin(), values.end(), scalar.is_valid ? scalar.value : 0.0);
  } else {
    std::copy_n(argument.array.GetValues<double>(1), values.size(), values.begin());
  }
}

template <void (*kFunction)(std::span<double>)>
arrow::Status Unary(cp::KernelContext*, const cp::ExecSpan& batch, cp::ExecResult* out) {
  const auto values = Output(out, batch.length);
  Fill(batch[0], values);
  kFunction(values);
  return arrow::Status::OK();
}

arrow::Status Power(cp::KernelContext*, const cp::ExecSpan& batch, cp::ExecResult* out) {
  const auto values = Output(out, batch.length);
  Fill(batch[0], values);
  if (batch[1].is_array()) {
    math::Pow(values, {batch[1].array.GetValues<double>(1), values.size()});
    return arrow::Status::OK();
  }
  std::vector<double> exponents(values.size());
  Fill(batch[1], exponents);
  math::Pow(values, exponents);
  return arrow::Status::OK();
}

// -0 is below 0, so that the order of arguments decides nothing.
bool IsLess(double left, double right) {
  return left < right || (left == right && std::signbit(left) && !std::signbit(right));
}
bool IsGreater(double left, double right) { return IsLess(right, left); }

// The first of two in an order; NaN is passed over where there is a number.
template <bool (*kIsBefore)(double, double)>
double FirstOf(double left, double right) {
  return left != left || kIsBefore(right, left) ? right : left;
}

bool HasNulls(const cp::ExecValue& argument) {
  return argument.is_array() ? argument.array.GetNullCount() > 0 : !argument.scalar->is_valid;
}

// The first of all values of a row in an order. Nulls are passed over as well.
template <bool (*kIsBefore)(double, double)>
arrow::Status First(cp::KernelContext*, const cp::ExecSpan& batch, cp::ExecResult* out) {
  const auto values = Output(out, batch.length);
  auto* const output = out->array_span_mutable();
  uint8_t* const validity = output->buffers[0].data;
  output->null_count = arrow::kUnknownNullCount;
  std::vector<double> others(values.size());
  if (std::none_of(batch.values.begin(), batch.values.end(), HasNulls)) {
    Fill(batch[0], values);
    for (int at = 1; at < batch.num_values(); ++at) {
      Fill(batch[at], others);
      for (std::size_t row = 0; row < values.size(); ++row) values[row] = FirstOf<kIsBefore>(values[row], others[row]);
    }
    arrow::bit_util::SetBitsTo(validity, output->offset, batch.length, true);
    return arrow::Status::OK();
  }
  std::vector<uint8_t> valid(values.size());
  std::fill(values.begin(), values.end(), std::numeric_limits<double>::quiet_NaN());
  for (const auto& argument : batch.values) {
    Fill(argument, others);
    for (std::size_t row = 0; row < values.size(); ++row) {
      const bool present =
          argument.is_array() ? argument.array.IsValid(static_cast<int64_t>(row)) : argument.scalar->is_valid;
      if (present) values[row] = FirstOf<kIsBefore>(values[row], others[row]);
      valid[row] |= present ? 1 : 0;
    }
  }
  for (std::size_t row = 0; row < values.size(); ++row) {
    arrow::bit_util::SetBitTo(validity, output->offset + static_cast<int64_t>(row), valid[row] != 0);
  }
  return arrow::Status::OK();
}

struct Registry {
  std::unique_ptr<cp::FunctionRegistry> functions;
  std::unique_ptr<cp::ExecContext> context;

  Registry() {
    Require(cp::Initialize());
    functions = cp::FunctionRegistry::Make(cp::GetFunctionRegistry());
    // A registry knows as the cast only what was added to itself, not to its parent.
    Require(
        functions->AddFunction(cp::GetFunctionRegistry()->GetFunction("cast").ValueOrDie(), /*allow_overwrite=*/true));
    Add("sabot.ln", 1, Unary<math::Log>);
    Add("sabot.log2", 1, Unary<math::Log2>);
    Add("sabot.log10", 1, Unary<math::Log10>);
    Add("sabot.log1p", 1, Unary<math::Log1p>);
    Add("sabot.exp", 1, Unary<math::Exp>);
    Add("sabot.expm1", 1, Unary<math::Expm1>);
    Add("sabot.erfc", 1, Unary<math::Erfc>);
    Add("sabot.power", 2, Power);
    AddOfMany("sabot.least", First<IsLess>);
    AddOfMany("sabot.greatest", First<IsGreater>);
    context = std::make_unique<cp::ExecContext>(arrow::default_memory_pool(), nullptr, functions.get());
    context->set_use_threads(false);
  }

  void Add(const char* name, int arguments, cp::ArrayKernelExec exec) {
    auto function = std::make_shared<cp::ScalarFunction>(name, cp::Arity(arguments), cp::FunctionDoc::Empty());
    const std::vector<cp::InputType> types(static_cast<std::size_t>(arguments), arrow::float64());
    auto status = function->AddKernel(types, arrow::float64(), exec);
    if (status.ok()) status = functions->AddFunction(std::move(function));
    Require(status);
  }

  // Of one or more arguments, deciding itself what is null.
  void AddOfMany(const char* name, cp::ArrayKernelExec exec) {
    auto function = std::make_shared<cp::ScalarFunction>(name, cp::Arity::VarArgs(1), cp::FunctionDoc::Empty());
    cp::ScalarKernel kernel(cp::KernelSignature::Make({arrow::float64()}, arrow::float64(), /*is_varargs=*/true), exec);
    kernel.null_handling = cp::NullHandling::COMPUTED_PREALLOCATE;
    kernel.mem_allocation = cp::MemAllocation::PREALLOCATE;
    Require(function->AddKernel(std::move(kernel)));
    Require(functions->AddFunction(std::move(function)));
  }

  // Without Arrow's functions and ours nothing could run.
  static void Require(const arrow::Status& status) {
    if (!status.ok()) status.Abort();
  }
};

}  // namespace

cp::ExecContext* ExpressionContext() {
  static const Registry registry;
  return registry.context.get();
}

}  // namespace sabot::operators
