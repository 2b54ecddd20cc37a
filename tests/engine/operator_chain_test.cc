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
    if (frontier != data::kEndPlace) return Progress::kDone;
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

constexpr int64_t kFrontier = -1;  // Stand for what has no rows.
constexpr int64_t kBarrier = -2;
constexpr int64_t kEnd = -3;

data::Place At(int64_t offset) { return {.offset = offset}; }

// All that comes out of a chain for frames.
std::vector<data::Frame> FramesOf(OperatorChain chain, std::vector<data::Frame> frames) {
  std::vector<data::Frame> given;
  frames.push_back(data::Frame::End());
  for (auto& frame : frames) {
    chain.Push(std::move(frame));
    for (auto out = chain.Next();; out = chain.Next()) {
      EXPECT_TRUE(out.ok()) << out.status();
      if (!out.ok() || !*out) break;
      given.push_back(std::move(**out));
    }
  }
  return given;
}

std::vector<int64_t> RunAll(OperatorChain chain, const std::vector<std::vector<int64_t>>& batches) {
  std::vector<data::Frame> frames;
  for (const auto& batch : batches) frames.push_back(data::Frame::Rows(Numbers(batch), data::kBeginPlace));
  std::vector<int64_t> values;
  for (const auto& frame : FramesOf(std::move(chain), std::move(frames))) {
    if (frame.kind != data::FrameKind::kRows) continue;
    for (const int64_t value : ValuesOf(frame.batch)) values.push_back(value);
  }
  return values;
}

// The rows, and what comes between them.
std::vector<int64_t> Sequence(const std::vector<data::Frame>& frames) {
  std::vector<int64_t> values;
  for (const auto& frame : frames) {
    if (frame.kind == data::FrameKind::kRows) {
      for (const int64_t value : ValuesOf(frame.batch)) values.push_back(value);
    }
    if (frame.kind == data::FrameKind::kFrontier) values.push_back(kFrontier);
    if (frame.kind == data::FrameKind::kBarrier) values.push_back(kBarrier);
    if (frame.kind == data::FrameKind::kEnd) values.push_back(kEnd);
  }
  return values;
}

TEST(OperatorChain, AnErrorEndsIt) {
  auto chain = ChainOf<Repeat, Fail>();
  chain.Push(data::Frame::Rows(Numbers({1}), At(1)));
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

// The last rows that an operator makes of a batch bring its frontier along; those before it must not promise as much.
TEST(OperatorChain, AFrontierComesBehindAllRowsBeforeIt) {
  const auto frames = FramesOf(ChainOf<Repeat, Repeat>(), {data::Frame::Rows(Numbers({2}), At(5))});
  ASSERT_EQ(Sequence(frames), (std::vector<int64_t>{2, 2, 2, 2, kEnd}));
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(frames[i].frontier, data::kBeginPlace);
  EXPECT_EQ(frames[3].frontier, At(5));
}

TEST(OperatorChain, AFrontierPassesWithoutRows) {
  const auto frames =
      FramesOf(ChainOf<Repeat>(), {data::Frame::Rows(Numbers({0}), At(5)), data::Frame::Frontier(At(7))});
  ASSERT_EQ(Sequence(frames), (std::vector<int64_t>{kFrontier, kFrontier, kEnd}));
  EXPECT_EQ(frames[0].frontier, At(5));
  EXPECT_EQ(frames[1].frontier, At(7));
}

TEST(OperatorChain, ABarrierPassesBehindAllRowsBeforeIt) {
  const auto frames = FramesOf(
      ChainOf<Repeat, Hold>(),
      {data::Frame::Rows(Numbers({2}), At(1)), data::Frame::Barrier(3), data::Frame::Rows(Numbers({1}), At(2))});
  EXPECT_EQ(Sequence(frames), (std::vector<int64_t>{kFrontier, kBarrier, kFrontier, 2, 2, 1, 3, kEnd}));
  EXPECT_EQ(Sequence(FramesOf(ChainOf<Repeat>(), {data::Frame::Rows(Numbers({2}), At(1)), data::Frame::Barrier(3)})),
            (std::vector<int64_t>{2, 2, kBarrier, kEnd}));
}

}  // namespace
}  // namespace sabot::engine
