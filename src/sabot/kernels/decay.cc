#include "sabot/kernels/decay.h"

#include <numbers>
#include <string>

#include "sabot/data/errors.h"
#include "sabot/kernels/math.h"

namespace sabot::kernels {

double Weight::After(uint64_t elapsed_ns) const {
  return -math::Expm1(-std::numbers::ln2 * (static_cast<double>(elapsed_ns) / halflife_ns));
}

arrow::Status CompleteDecay(std::string_view kernel, const Decay& if_none, Decay& decay, const Range& alpha) {
  std::string given;
  int count = 0;
  const auto note = [&](std::string_view name, bool is_given) {
    if (!is_given) return;
    given += (count++ == 0 ? "'" : ", '") + std::string(name) + "'";
  };
  note("alpha", decay.alpha.has_value());
  note("lambda", decay.lambda.has_value());
  note("span", decay.span.has_value());
  note("com", decay.com.has_value());
  note("halflife", decay.halflife.has_value());
  if (count > 1) {
    return data::OptionError(
        std::string(kernel) + ": " + given +
        " were given together. They are spellings of one decay: give one of alpha, lambda, span, com, "
        "halflife.");
  }
  if (count == 0) decay = if_none;
  if (IsInTime(decay)) return arrow::Status::OK();
  const double found = WeightOf(decay).alpha;
  if (alpha.Contains(found)) return arrow::Status::OK();
  return data::OptionError(std::string(kernel) + ": " + given + " gives alpha = " + ToString(OptionValue{found}) +
                           ", which must be " + alpha.ToString() + ".");
}

Weight WeightOf(const Decay& decay) {
  if (decay.lambda) return {.alpha = 1 - *decay.lambda};
  if (decay.span) return {.alpha = 2 / (*decay.span + 1)};
  if (decay.com) return {.alpha = 1 / (1 + *decay.com)};
  if (IsInTime(decay)) return {.halflife_ns = static_cast<double>(decay.halflife->ns)};
  if (decay.halflife) return {.alpha = -math::Expm1(-std::numbers::ln2 / decay.halflife->rows)};
  return {.alpha = decay.alpha.value_or(0)};
}

}  // namespace sabot::kernels
