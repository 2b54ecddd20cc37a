// Rows for tests of every kernel at once: all columns that any kernel reads by default, with what real feeds have in
// them: nulls, NaN, infinities, ties, zero volumes, crossed books, outliers.
#pragma once

#include <arrow/array.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/array/concatenate.h>
#include <arrow/record_batch.h>
#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "sabot/kernels/registry.h"
#include "sabot/operators/kernel_chain.h"

namespace sabot::operators {

struct SampleOptions {
  int64_t rows = 1000;
  int symbols = 5;
  uint64_t seed = 1;
  double missing = 0.05;  // Share of null, and again of NaN or infinite, values; of null symbols too.
  std::string prefix = "S";
};

inline std::shared_ptr<arrow::RecordBatch> SampleTicks(const SampleOptions& options = {}) {
  std::mt19937_64 random(options.seed);
  const auto seed_of = [&](const std::string& column) {  // A column's values do not depend on which others there are.
    uint64_t hash = 0xcbf29ce484222325 ^ options.seed;
    for (const char letter : column) hash = (hash ^ static_cast<unsigned char>(letter)) * 0x100000001b3;
    return hash;
  };
  const auto uniform = [&] { return static_cast<double>(random() >> 11) * 0x1p-53; };
  arrow::FieldVector fields{arrow::field("symbol", arrow::utf8()), arrow::field("timestamp", arrow::int64())};
  arrow::StringBuilder symbols;
  arrow::Int64Builder times;
  std::vector<int64_t> nows;
  int64_t now = 1'700'000'000'000'000'000;
  for (int64_t row = 0; row < options.rows; ++row) {
    if (uniform() < options.missing / 5) {
      EXPECT_TRUE(symbols.AppendNull().ok());
    } else {
      EXPECT_TRUE(
          symbols.Append(options.prefix + std::to_string(random() % static_cast<uint64_t>(options.symbols))).ok());
    }
    now += static_cast<int64_t>(random() % 3) * 1'000'000;
    nows.push_back(now);
    const int64_t late = uniform() < options.missing ? 5'000'000 : 0;
    EXPECT_TRUE((uniform() < options.missing ? times.AppendNull() : times.Append(now - late)).ok());
  }
  arrow::ArrayVector arrays{symbols.Finish().ValueOrDie(), times.Finish().ValueOrDie()};

  std::map<std::string, bool> columns;  // Whether it is a time.
  for (const auto& kernel : kernels::Registry()) {
    for (const auto& input : kernel.inputs) columns[input.column] = input.type != "float64";
  }
  columns.erase("timestamp");
  for (const auto& [column, is_time] : columns) {
    random.seed(seed_of(column));
    if (is_time) {  // Some time before the row's, seldom after it.
      arrow::Int64Builder other_times;
      for (const int64_t time : nows) {
        const int64_t age = static_cast<int64_t>(random() % 2'200) * 1'000'000 - 100'000'000;
        EXPECT_TRUE((uniform() < options.missing ? other_times.AppendNull() : other_times.Append(time - age)).ok());
      }
      fields.push_back(arrow::field(column, arrow::int64()));
      arrays.push_back(other_times.Finish().ValueOrDie());
      continue;
    }
    arrow::DoubleBuilder values;
    double level = 100;
    for (int64_t row = 0; row < options.rows; ++row) {
      double value = 0;
      if (column == "side") {
        value = uniform() < 0.5 ? 1 : -1;
      } else if (column == "signed_volume" || column == "log_return" || column == "pnl") {
        value = std::floor((uniform() - 0.5) * 100) / 8;
      } else if (column.ends_with("size") || column == "volume" || column == "filled_qty") {
        value = std::floor(uniform() * 20);  // Zero now and then.
      } else if (column.starts_with("spot")) {
        value = 0.5 + uniform();
      } else {
        level += std::floor((uniform() - 0.5) * 5) * 0.01;  // Ties, and crossed books as bid and ask walk alone.
        value = level;
      }
      const double odd = uniform();
      if (odd < options.missing) {
        EXPECT_TRUE(values.AppendNull().ok());
        continue;
      }
      if (odd < 1.3 * options.missing) value = std::numeric_limits<double>::quiet_NaN();
      if (odd > 1 - 0.2 * options.missing) value = -std::numeric_limits<double>::infinity();
      if (odd > 0.5 && odd < 0.5 + 0.1 * options.missing) value = 1e12;
      if (odd > 0.6 && odd < 0.6 + 0.1 * options.missing) value = -value;
      EXPECT_TRUE(values.Append(value).ok());
    }
    fields.push_back(arrow::field(column, arrow::float64()));
    arrays.push_back(values.Finish().ValueOrDie());
  }
  return arrow::RecordBatch::Make(arrow::schema(fields), options.rows, arrays);
}

// A kernel under options that reach its branches.
struct KernelCase {
  KernelSpec spec;
  std::string name;
};

// What a kernel that reads two symbols must be told.
inline kernels::OptionMap Pair() { return {{"symbol_a", std::string("S0")}, {"symbol_b", std::string("S1")}}; }

inline std::vector<KernelCase> EveryKernel() {
  std::vector<KernelCase> cases;
  for (const auto& kernel : kernels::Registry()) {
    std::vector<kernels::OptionMap> variants{{}};
    if (kernel.pair) {
      variants = {Pair(), Pair(), Pair()};
      variants[1].emplace_back("window", int64_t{3});
      variants[2].emplace_back("window", int64_t{50});
    }
    const auto has = [&](std::string_view option) {
      for (const auto& info : kernel.options) {
        if (info.name == option) return true;
      }
      return false;
    };
    if (has("min_periods") && has("window")) {
      variants.push_back({{"window", int64_t{3}}, {"min_periods", int64_t{1}}});
      variants.push_back({{"window", int64_t{7}}});
    }
    if (has("ddof")) variants.push_back({{"ddof", int64_t{0}}});
    if (has("k") && kernel.doc.name != "cusum" && kernel.doc.name != "bollinger_bands" && !has("min_scale"))
      variants.push_back({{"k", int64_t{3}}});
    if (has("period")) variants.push_back({{"period", int64_t{3}}});
    if (has("halflife")) {
      variants.push_back({{"halflife", std::string("5ms")}});
      variants.push_back({{"halflife", 2.5}});
      variants.push_back({{"span", 9.0}});
    }
    if (has("classify")) {
      variants.push_back({{"bucket_volume", 30.0}, {"n_buckets", int64_t{3}}});
      variants.push_back({{"bucket_volume", 30.0}, {"n_buckets", int64_t{3}}, {"classify", std::string("side")}});
    }
    if (has("finite_sample")) variants.push_back({{"window", int64_t{6}}, {"finite_sample", false}});
    if (has("bias")) variants.push_back({{"window", int64_t{6}}, {"bias", true}});
    if (has("lag")) variants.push_back({{"window", int64_t{6}}, {"lag", int64_t{3}}});
    if (has("overnight_adjust")) {
      variants.push_back({{"window", int64_t{3}}, {"overnight_adjust", true}, {"negative", std::string("keep")}});
    }
    if (has("max_lag")) variants.push_back({{"window", int64_t{5}}, {"max_lag", int64_t{2}}});
    if (has("session_ns")) {
      variants.push_back({{"session_ns", int64_t{100'000'000}}});
      variants.push_back({{"session_ns", int64_t{100'000'000}}, {"window", int64_t{4}}});
    }
    if (has("use_fees_column")) variants.push_back({{"use_fees_column", true}});
    if (has("compounding")) variants.push_back({{"compounding", std::string("simple")}, {"t_years", 0.25}});
    if (has("risk_adjusted")) variants.push_back({{"risk_adjusted", true}});
    if (has("mode")) variants.push_back({{"mode", std::string("order")}});
    if (has("use_hedge_column")) {
      variants.push_back({{"use_hedge_column", true}});
      variants.push_back({{"log", true}, {"hedge_ratio", 0.5}, {"intercept", -1.0}});
    }
    if (has("p0")) variants.push_back({{"q", 0.0}, {"r", 0.5}, {"intercept", false}});
    if (has("k_period"))
      variants.push_back({{"k_period", int64_t{3}}, {"slowing", int64_t{2}}, {"d_period", int64_t{4}}});
    if (has("fast")) variants.push_back({{"fast", int64_t{3}}, {"slow", int64_t{5}}, {"signal", int64_t{4}}});
    if (has("min_scale")) variants.push_back({{"window", int64_t{9}}, {"k", 1.5}, {"min_scale", 0.01}});
    if (has("max_age_ns")) variants.push_back({{"max_age_ns", int64_t{0}}});
    if (has("notional_max")) variants.push_back({{"pct", 0.001}, {"notional_max", 1200.0}, {"size_max", 15.0}});
    if (has("halt_ns")) variants.push_back({{"pct", 0.0005}, {"halt_ns", int64_t{20'000'000}}});
    if (has("burst")) variants.push_back({{"rate_per_s", 150.0}, {"burst", int64_t{2}}});
    if (has("reset")) variants.push_back({{"mean", 100.0}, {"std", 0.1}, {"reset", false}});
    std::map<std::string, std::string> outputs;  // Some kernels write what others read.
    for (const auto& output : kernel.outputs) outputs[output.name] = "out_" + output.name;
    const std::string name(kernel.doc.name);
    for (std::size_t variant = 0; variant < variants.size(); ++variant) {
      cases.push_back({{.kernel = name, .options = variants[variant], .outputs = outputs},
                       name + (variant == 0 ? "" : "_" + std::to_string(variant))});
    }
    if (!has("max_rows")) continue;
    for (const std::string duration : {"15ms", "60ms"}) {
      kernels::OptionMap options = kernel.pair ? Pair() : kernels::OptionMap{};
      options.emplace_back("window", duration);
      if (duration == "60ms" && has("min_periods")) options.emplace_back("min_periods", int64_t{3});
      if (has("session_ns")) options.emplace_back("session_ns", int64_t{100'000'000});
      cases.push_back({{.kernel = name, .options = options, .outputs = outputs}, name + "_" + duration});
    }
  }
  return cases;
}

// Bits, not values: NaN equals NaN, and -0 differs from 0. Also what lies under a null must be equal.
inline bool SameBits(const arrow::Array& left, const arrow::Array& right) {
  if (!left.type()->Equals(right.type()) || left.length() != right.length()) return false;
  for (int64_t row = 0; row < left.length(); ++row) {
    if (left.IsNull(row) != right.IsNull(row)) return false;
  }
  if (left.type_id() == arrow::Type::DOUBLE || left.type_id() == arrow::Type::INT64) {
    const auto* a = left.data()->GetValues<int64_t>(1);
    const auto* b = right.data()->GetValues<int64_t>(1);
    return std::memcmp(a, b, static_cast<std::size_t>(left.length()) * 8) == 0;
  }
  return left.Equals(right);
}

inline ::testing::AssertionResult SameBits(const arrow::RecordBatch& left, const arrow::RecordBatch& right) {
  if (!left.schema()->Equals(right.schema())) return ::testing::AssertionFailure() << "schemas differ";
  for (int column = 0; column < left.num_columns(); ++column) {
    if (SameBits(*left.column(column), *right.column(column))) continue;
    for (int64_t row = 0; row < std::min(left.num_rows(), right.num_rows()); ++row) {
      if (SameBits(*left.column(column)->Slice(row, 1), *right.column(column)->Slice(row, 1))) continue;
      return ::testing::AssertionFailure() << left.column_name(column) << " differs first at row " << row;
    }
    return ::testing::AssertionFailure() << left.column_name(column) << " differs in length";
  }
  return ::testing::AssertionSuccess();
}

inline std::shared_ptr<arrow::RecordBatch> Concatenate(const arrow::RecordBatchVector& batches) {
  return arrow::ConcatenateRecordBatches(batches).ValueOrDie();
}

// Through the chain as cut at the given rows.
inline std::shared_ptr<arrow::RecordBatch> ProcessCut(KernelChain& chain,
                                                      const std::shared_ptr<arrow::RecordBatch>& batch,
                                                      const std::vector<int64_t>& cuts) {
  arrow::RecordBatchVector results;
  int64_t begin = 0;
  for (const int64_t cut : cuts) {
    results.push_back(chain.Process(batch->Slice(begin, cut - begin)).ValueOrDie());
    begin = cut;
  }
  results.push_back(chain.Process(batch->Slice(begin)).ValueOrDie());
  return Concatenate(results);
}

}  // namespace sabot::operators
