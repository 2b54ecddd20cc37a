// Kernels with steps before Update (kernels/steps.h): in blocks they give the bits that they give row by row.
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <vector>

#include "sabot/kernels/math.h"
#include "sabot/operators/keyed_kernel_driver.h"

namespace sabot::operators {
namespace {

// The sum of the symbol's log returns, each weighed by how many rows there were: state before the logarithm and after.
struct WeighedReturns {
  struct Input {
    double x = 0;
    SABOT_FIELDS(Input, x)
  };
  using Options = kernels::NoOptions;
  struct Scalars {
    double last = 0;
    int64_t rows = 0;
    double sum = 0;
    SABOT_FIELDS(Scalars, last, rows, sum)
  };
  static constexpr kernels::KernelDoc kDoc{};
  static constexpr std::tuple kInputs{kernels::In{"x", &Input::x, "x", ""}};
  static constexpr std::tuple kOutputs{kernels::SingleOut{"sum", ""}};

  static bool Valid(const Options&, const Input& row) { return row.x > 0; }
  static void Ratio(const Options&, Scalars& symbol, const Input& row, kernels::CellRow cells) {
    cells[0] = symbol.rows > 0 ? row.x / symbol.last : 1.0;
    cells[1] = static_cast<double>(++symbol.rows);
    symbol.last = row.x;
  }
  static void Log(const Options&, kernels::CellBlock<2>& rows) { kernels::math::Log(rows[0]); }
  static constexpr std::size_t kCells = 2;
  static constexpr std::tuple kSteps{&WeighedReturns::Ratio, &WeighedReturns::Log};

  static double Update(const Options&, Scalars& symbol, const Input&, kernels::CellRow cells) {
    symbol.sum += cells[0] * cells[1];
    return symbol.sum;
  }
};

struct Rows {
  std::vector<double> x;
  std::vector<int32_t> slots;
  std::vector<uint8_t> valid;    // A bit a row,
  std::vector<uint64_t> has_key;  // and whether it has a key.
};

// `of_ten`: how many rows of ten are null, not finite, invalid or without a key, each.
Rows RandomRows(std::size_t count, int32_t symbols, int of_ten) {
  std::mt19937_64 random(7);
  const auto rarely = [&] { return static_cast<int>(random() % 10) < of_ten; };
  Rows rows{.x = {},
            .slots = {},
            .valid = std::vector<uint8_t>((count + 63) / 64 * 8),
            .has_key = std::vector<uint64_t>((count + 63) / 64)};
  for (std::size_t row = 0; row < count; ++row) {
    double x = 1 + static_cast<double>(random() % 1000) / 100;
    if (rarely()) x = std::numeric_limits<double>::infinity();
    if (rarely()) x = -x;
    rows.x.push_back(x);
    rows.slots.push_back(static_cast<int32_t>(random() % static_cast<uint64_t>(symbols)));
    if (!rarely()) rows.valid[row / 8] = static_cast<uint8_t>(rows.valid[row / 8] | 1 << row % 8);
    if (!rarely()) rows.has_key[row / 64] |= uint64_t{1} << row % 64;
  }
  return rows;
}

void CompareWithRows(const Rows& rows, int32_t symbols) {
  const auto kernel = MakeDriver<WeighedReturns>({}).ValueOrDie();
  const auto count = rows.x.size();
  const InputColumn input{.values = rows.x.data(), .validity = rows.valid.data()};
  std::vector<double> values(count, -1);
  std::vector<uint64_t> validity((count + 63) / 64);
  OutputColumn output{.values = values.data(), .validity = validity.data()};
  ASSERT_TRUE(kernel
                  ->Run({.rows = static_cast<int64_t>(count),
                         .inputs = {&input, 1},
                         .slots = rows.slots,
                         .has_key = rows.has_key.data(),
                         .slots_in_use = symbols,
                         .outputs = {&output, 1}})
                  .ok());
  std::vector<WeighedReturns::Scalars> states(static_cast<std::size_t>(symbols));
  int64_t nulls = 0;
  for (std::size_t row = 0; row < count; ++row) {
    const WeighedReturns::Input in{rows.x[row]};
    const bool there = (rows.valid[row / 8] >> row % 8 & 1) != 0 && (rows.has_key[row / 64] >> row % 64 & 1) != 0;
    const bool usable = there && std::isfinite(in.x) && WeighedReturns::Valid({}, in);
    auto& state = states[static_cast<std::size_t>(rows.slots[row])];
    const double expected = usable ? kernels::RunRow<WeighedReturns>({}, state, {}, in) : 0.0;
    ASSERT_EQ((validity[row / 64] >> row % 64 & 1) != 0, usable) << row;
    ASSERT_EQ(std::bit_cast<uint64_t>(values[row]), std::bit_cast<uint64_t>(expected)) << row;
    nulls += usable ? 0 : 1;
  }
  EXPECT_EQ(output.nulls, nulls);
  for (int32_t slot = 0; slot < symbols; ++slot) {
    WeighedReturns::Scalars state;
    std::memcpy(&state, kernel->StateOf(slot).data(), sizeof(state));
    EXPECT_TRUE(state::SameBits(state, states[static_cast<std::size_t>(slot)])) << slot;
  }
}

TEST(SteppedKernel, GivesNothingWhereEverythingIsMissing) { CompareWithRows(RandomRows(200, 3, 10), 3); }

TEST(SteppedKernel, SkipsRowsThatAreMissing) {
  for (const std::size_t count : {1, 63, 64, 65, 1000}) {
    CompareWithRows(RandomRows(count, 5, 1), 5);
    CompareWithRows(RandomRows(count, 5, 6), 5);
  }
}

TEST(SteppedKernel, SymbolsInTurnsAndOneAloneGiveTheSameAsRowByRow) {
  CompareWithRows(RandomRows(1000, 7, 0), 7);
  CompareWithRows(RandomRows(1000, 1, 0), 1);
  CompareWithRows(RandomRows(1000, 1, 1), 1);
}

}  // namespace
}  // namespace sabot::operators
