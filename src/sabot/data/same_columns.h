// Whether two schemas have the same columns: names and types, in order, whatever else is said of them.
#pragma once

#include <arrow/type.h>

namespace sabot::data {

inline bool SameColumns(const arrow::Schema& left, const arrow::Schema& right) {
  if (&left == &right) return true;
  if (left.num_fields() != right.num_fields()) return false;
  for (int column = 0; column < left.num_fields(); ++column) {
    const arrow::Field& a = *left.field(column);
    const arrow::Field& b = *right.field(column);
    if (a.name() != b.name()) return false;
    if (a.type() != b.type() && !a.type()->Equals(*b.type())) return false;
  }
  return true;
}

}  // namespace sabot::data
