// Tells rows apart that come to a union from one source by several ways: else a row and itself would have one place,
// and what comes first would be anybody's guess.
#pragma once

#include <cstdint>
#include <string_view>

#include "sabot/operators/operator.h"

namespace sabot::operators {

class Branch final : public Operator {
 public:
  explicit Branch(int64_t number) : number_(number) {}

  std::string_view name() const override { return "branch"; }
  bool needs_places() const override { return true; }
  arrow::Result<SchemaVector> Bind(const SchemaVector& inputs) override { return inputs; }
  // Error (kData): the rows were made of others twice already, and a place cannot tell more.
  arrow::Result<Progress> Process(int input, const data::Batch& batch, Output& output) override;

 private:
  int64_t number_;
};

}  // namespace sabot::operators
