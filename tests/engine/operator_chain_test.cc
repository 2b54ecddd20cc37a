// Operators that multiply, hold back and fire at the end, one after the other: each row passes once, in order.
#include "sabot/engine/operator_chain.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/util/checked_cast.h>
#include <gtest/gtest.h>

#include <utility>

#include "sabot/data/errors.h"

namespace sabot::engine {
namespace {

using data::Batch;
using operators::Output;
using operators::Progress;

const auto kSchema = arrow::schema({arrow::field("x", arrow::int64())});

Batch Numbers(const std::vector<int64_t>& values) {
  arrow::Int64Builder builder;
  EXPECT_TRUE(builder.AppendValues(values).ok());
  return {.rows = arrow::RecordBatch::Make(kSchema, static_cast<int64_t>(values.size()), {*builder.Finish()})};
}

std::vector<int64_t> ValuesOf(const Batch& batch) {
  const auto& column = arrow::internal::checked_cast<const arrow::Int64Array&>(*batch.rows->column(0));
  return {column.raw_values(), column.raw_values() + column.length()};
}

// Gives each number n as n batches of itself, as many at a time as there is room for.
class Repeat final : public operators::Operator {
 public:
  std::string_view name() const override { return "repeat"; }
  arrow::Result<operators::SchemaVector> Bind(const operators::SchemaVector& inputs) override { return inputs; }
  arrow::Result<Progress> Process(int, const Batch& batch, Output& output) override {
    EXPECT_TRUE(left_.empty()) << "a batch came before the one before was done";
    for (const int64_t value : ValuesOf(batch)) left_.insert(left_.end(), static_cast<std::size_t>(value), value);
    return Resume(output);
  }
  arrow::Result<Progress> Resume(Output& output) override {
    while (!left_.empty()) {
      const int64_t value = left_.front();
      left_.erase(left_.begin());
      ARROW_ASSIGN_OR_RAISE(const auto progress, output.Emit(Numbers({value})));
      if (progress == Progress::kMore && !left_.empty()) return Progress::kMore;
    }
    return Progress::kDone;
  }

 private:
  std::vector<int64_t> left_;
};

// Keeps all numbers, and gives them at the end, one batch each, and their count last.
class Hold final : public operators::Operator {
 public:
  std::string_view name() const override { return "hold"; }
  arrow::Result<operators::SchemaVector> Bind(const operators::SchemaVector& inputs) override { return inputs; }
  arrow::Result<Progress> Process(int, const Batch& batch, Output&) override {
    for (const int64_t value : ValuesOf(batch)) held_.push_back(value);
    return Progress::kDone;
  }
  arrow::Result<Progress> OnTime(const data::Place& frontier, Output& output) override {
    EXPECT_EQ(frontier, data::kEndPlace);
    held_.push_back(static_cast<int64_t>(held_.size()));
    return Resume(output);
  }
  arrow::Result<Progress> Resume(Output& output) override {
    ARROW_RETURN_NOT_OK(output.Emit(Numbers({held_[next_++]})));
    return next_ < held_.size() ? Progress::kMore : Progress::kDone;
  }

 private:
  std::vector<int64_t> held_;
  std::size_t next_ = 0;
};

class Fail final : public operators::Operator {
 public:
  std::string_view name() const override { return "fail"; }
  arrow::Result<operators::SchemaVector> Bind(const operators::SchemaVector& inputs) override { return inputs; }
  arrow::Result<Progress> Process(int, const Batch&, Output&) override { return data::DataError("fail: on purpose."); }
};

template <class... Operators>
OperatorChain ChainOf() {
  std::vector<std::unique_ptr<operators::Operator>> operators;
  (operators.push_back(std::make_unique<Operators>()), ...);
  return OperatorChain(std::move(operators));
}

std::vector<int64_t> RunAll(OperatorChain chain, const std::vector<std::vector<int64_t>>& batches) {
  std::vector<int64_t> values;
  const auto drain = [&] {
    for (auto out = chain.Next();; out = chain.Next()) {
      EXPECT_TRUE(out.ok()) << out.status();
      if (!out.ok() || !*out) return;
      for (const int64_t value : ValuesOf(**out)) values.push_back(value);
    }
  };
  for (const auto& batch : batches) {
    chain.Push(Numbers(batch));
    drain();
  }
  chain.End();
  drain();
  return values;
}

TEST(OperatorChain, AnErrorEndsIt) {
  auto chain = ChainOf<Repeat, Fail>();
  chain.Push(Numbers({1}));
  EXPECT_EQ(data::KindOf(chain.Next().status()), data::ErrorKind::kData);
}

TEST(OperatorChain, WithoutOperatorsRowsPass) {
  EXPECT_EQ(RunAll(ChainOf<>(), {{1, 2}, {3}}), (std::vector<int64_t>{1, 2, 3}));
}

TEST(OperatorChain, WithoutRowsTheEndIsTold) { EXPECT_EQ(RunAll(ChainOf<Hold>(), {}), (std::vector<int64_t>{0})); }

TEST(OperatorChain, OneThatMultipliesIsResumed) {
  EXPECT_EQ(RunAll(ChainOf<Repeat>(), {{2, 0, 1}, {3}}), (std::vector<int64_t>{2, 2, 1, 3, 3, 3}));
  EXPECT_EQ(RunAll(ChainOf<Repeat, Repeat>(), {{2}, {1, 2}}), (std::vector<int64_t>{2, 2, 2, 2, 1, 2, 2, 2, 2}));
}

TEST(OperatorChain, TheEndComesAfterAllRows) {
  EXPECT_EQ(RunAll(ChainOf<Repeat, Hold, Repeat>(), {{2}, {1}}), (std::vector<int64_t>{2, 2, 2, 2, 1, 3, 3, 3}));
  EXPECT_EQ(RunAll(ChainOf<Hold, Hold>(), {{5}}), (std::vector<int64_t>{5, 1, 2}));
}

}  // namespace
}  // namespace sabot::engine
