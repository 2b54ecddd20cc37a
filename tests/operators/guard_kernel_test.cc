// What the driver does for kernels that see missing inputs, with kernels made for it: a driver needs no registry.
#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <optional>
#include <vector>

#include "sabot/operators/keyed_kernel_driver.h"

namespace sabot::operators {
namespace {

struct Seen {
  struct Input {
    double x = 0;
    std::optional<int64_t> time;
    SABOT_FIELDS(Input, x, time)
  };
  struct Outputs {
    double x = 0;
    std::optional<int64_t> time;
    std::optional<bool> above;
    bool known = false;
    SABOT_FIELDS(Outputs, x, time, above, known)
  };
  using Options = kernels::NoOptions;
  static constexpr bool kFailsClosed = true;
  static constexpr kernels::KernelDoc kDoc{};
  static constexpr std::tuple kInputs{kernels::In{"x", &Input::x, "x", ""},
                                      kernels::In{"time", &Input::time, "time", ""}};
  static constexpr std::tuple kOutputs{kernels::Out{"x", &Outputs::x, ""}, kernels::Out{"time", &Outputs::time, ""},
                                       kernels::Out{"above", &Outputs::above, ""},
                                       kernels::Out{"known", &Outputs::known, ""}};

  static Outputs Compute(const Options&, const Input& row) {
    const bool number = !std::isnan(row.x);
    return {row.x, row.time, number ? std::optional(row.x > 2) : std::nullopt, number && row.time.has_value()};
  }
};

// The same with memory: how many rows of the symbol there were.
struct Counted {
  using Input = Seen::Input;
  using Options = kernels::NoOptions;
  struct Scalars {
    int64_t rows = 0;
    SABOT_FIELDS(Scalars, rows)
  };
  struct Outputs {
    int64_t rows = -1;
    bool known = false;
    SABOT_FIELDS(Outputs, rows, known)
  };
  static constexpr bool kFailsClosed = true;
  static constexpr kernels::KernelDoc kDoc{};
  static constexpr std::tuple kInputs = Seen::kInputs;
  static constexpr std::tuple kOutputs{kernels::Out{"rows", &Outputs::rows, ""},
                                       kernels::Out{"known", &Outputs::known, ""}};

  static Outputs Update(const Options&, Scalars& symbol, const Input& row) {
    return {++symbol.rows, Seen::Compute({}, row).known};
  }
  static Outputs WithoutKey(const Options&) { return {-1, true}; }
};

constexpr int64_t kRows = 70;  // More than a word; nothing is missing in its second one.

struct Sample {
  std::vector<double> x;
  std::vector<int64_t> time;
  uint64_t x_valid[2] = {~uint64_t{0}, ~uint64_t{0}}, time_valid[2] = {~uint64_t{0}, ~uint64_t{0}};

  Sample() {
    for (int64_t row = 0; row < kRows; ++row) x.push_back(static_cast<double>(row % 5)), time.push_back(100 + row);
    x[1] = NAN, x[2] = INFINITY, x[3] = -INFINITY;
    x_valid[0] &= ~uint64_t{0b110000};    // Rows 4, 5.
    time_valid[0] &= ~uint64_t{0b100010};  // Rows 1, 5.
  }
  bool HasX(int64_t row) const { return row == 0 || row > 5; }
  bool HasTime(int64_t row) const { return row != 1 && row != 5; }
};

struct Column {
  std::array<uint64_t, kRows> words{};  // Memory for values of any width.
  std::array<uint64_t, 2> validity{};
  bool valid(int64_t row) const { return (validity[row / 64] >> (row % 64) & 1) != 0; }
  template <class T>
  T at(int64_t row) const {
    T value;
    std::memcpy(&value, reinterpret_cast<const std::byte*>(words.data()) + row * sizeof(T), sizeof(T));
    return value;
  }
};

template <class K>
std::vector<Column> Drive(const Sample& sample, const std::vector<int32_t>& slots = {},
                          const uint64_t* has_key = nullptr) {
  const auto kernel = MakeDriver<K>({}).ValueOrDie();
  const InputColumn inputs[] = {
      {.values = sample.x.data(), .validity = reinterpret_cast<const uint8_t*>(sample.x_valid)},
      {.values = sample.time.data(), .validity = reinterpret_cast<const uint8_t*>(sample.time_valid)}};
  std::vector<Column> columns(kernel->outputs().size());
  std::vector<OutputColumn> outputs;
  for (auto& column : columns) outputs.push_back({.values = column.words.data(), .validity = column.validity.data()});
  const Morsel morsel{
      .rows = kRows, .inputs = inputs, .slots = slots, .has_key = has_key, .slots_in_use = 2, .outputs = outputs};
  EXPECT_TRUE(kernel->Run(morsel).ok());
  for (std::size_t output = 0; output < columns.size(); ++output) {
    int64_t nulls = 0;
    for (int64_t row = 0; row < kRows; ++row) nulls += columns[output].valid(row) ? 0 : 1;
    EXPECT_EQ(outputs[output].nulls, nulls);
  }
  return columns;
}

TEST(GuardKernel, SeesWhatIsMissing) {
  const Sample sample;
  const auto columns = Drive<Seen>(sample);
  for (int64_t row = 0; row < kRows; ++row) {
    SCOPED_TRACE(row);
    EXPECT_EQ(columns[0].valid(row), sample.HasX(row));
    EXPECT_EQ(columns[0].at<double>(row), sample.HasX(row) ? static_cast<double>(row % 5) : 0);
    EXPECT_EQ(columns[1].valid(row), sample.HasTime(row));
    EXPECT_EQ(columns[1].at<int64_t>(row), sample.HasTime(row) ? 100 + row : 0);
    EXPECT_EQ(columns[2].valid(row), sample.HasX(row));
    EXPECT_EQ(columns[2].at<bool>(row), sample.HasX(row) && row % 5 > 2);
    EXPECT_TRUE(columns[3].valid(row));
    EXPECT_EQ(columns[3].at<bool>(row), sample.HasX(row) && sample.HasTime(row));
  }
}

TEST(GuardKernel, AnswersForRowsWithoutAKey) {
  const Sample sample;
  std::vector<int32_t> slots;
  for (int64_t row = 0; row < kRows; ++row) slots.push_back(static_cast<int32_t>(row % 2));
  const uint64_t has_key[] = {~uint64_t{0b1001}, ~uint64_t{0b1}};  // All but rows 0, 3, 64.
  const auto columns = Drive<Counted>(sample, slots, has_key);
  int64_t rows[] = {0, 0};
  for (int64_t row = 0; row < kRows; ++row) {
    SCOPED_TRACE(row);
    const bool keyed = row != 0 && row != 3 && row != 64;
    EXPECT_TRUE(columns[0].valid(row));
    EXPECT_EQ(columns[0].at<int64_t>(row), keyed ? ++rows[row % 2] : -1);
    EXPECT_TRUE(columns[1].valid(row));
    EXPECT_EQ(columns[1].at<bool>(row), !keyed || (sample.HasX(row) && sample.HasTime(row)));
  }
}

}  // namespace
}  // namespace sabot::operators
