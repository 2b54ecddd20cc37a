#include "sabot/connectors/tick_generator.h"

#include <arrow/array/array_base.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/data.h>
#include <arrow/buffer.h>
#include <arrow/type.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <limits>
#include <span>
#include <sstream>
#include <string_view>
#include <utility>
#include <vector>

#include "sabot/connectors/random_internal.h"
#include "sabot/connectors/zipf_internal.h"
#include "sabot/data/column_buffer.h"
#include "sabot/data/errors.h"
#include "sabot/kernels/math.h"

namespace sabot::connectors {
namespace {

using internal::Chance;
using internal::Xoshiro;
using internal::ZipfSymbols;

namespace math = kernels::math;

constexpr int32_t kSymbolsMax = 1'000'000;
constexpr int64_t kBatchRowsMax = int64_t{1} << 24;
constexpr double kSkewMax = 10.0;
constexpr int64_t kChunkRows = 1024;  // Rows computed together, within the first-level cache.

constexpr double kTicksPerUnit = 100.0;  // A price tick is 0.01.
constexpr int32_t kMidTicksMin = 100;
constexpr int32_t kFirstMidTicksMin = 1'000;  // Symbols start between 10.00
constexpr int32_t kFirstMidTicksMax = 50'000;  // and 500.00.
constexpr int32_t kSpreadTicksMax = 5;
constexpr int32_t kLot = 100;
constexpr int64_t kLatencyNs = 50'000;  // From the venue's clock to ours.
constexpr int64_t kLateGapsMax = 100;
constexpr int64_t kSilenceGaps = 1'000;

// Rows take from each stream the same number of words, whatever the options and the batches are.
enum Stream : uint64_t { kMarketStream, kTimingStream, kNullStream, kFirstPriceStream };

enum Column { kPrice, kVolume, kSide, kBid, kAsk, kBidSize, kAskSize, kColumns };
constexpr std::array<const char*, kColumns> kColumnNames = {"price", "volume",   "side",    "bid",
                                                            "ask",   "bid_size", "ask_size"};

struct Kind {
  std::string_view name;
  int first_column;
  int columns;
};
constexpr std::array kKinds = {Kind{"ticks", kPrice, kColumns}, Kind{"trades", kPrice, 3}, Kind{"quotes", kBid, 4}};

arrow::Result<Kind> FindKind(const std::string& name) {
  for (const Kind& kind : kKinds) {
    if (kind.name == name) return kind;
  }
  return data::OptionError("tick generator: kind is '" + name + "'. Use 'ticks', 'trades' or 'quotes'.");
}

template <class Number>
arrow::Status CheckRange(const char* option, Number value, Number low, Number high) {
  if (value >= low && value <= high) return arrow::Status::OK();  // NaN is in no range.
  std::ostringstream message;
  message << "tick generator: " << option << " is " << value << ". Use ";
  if (high == std::numeric_limits<Number>::max()) {
    message << "at least " << low << ".";
  } else {
    message << "a value from " << low << " to " << high << ".";
  }
  return data::OptionError(message.str());
}

arrow::Status CheckOptions(const TickGeneratorOptions& options) {
  constexpr int64_t kAny = std::numeric_limits<int64_t>::max();
  ARROW_RETURN_NOT_OK(CheckRange<int64_t>("rows", options.rows, 0, kAny));
  ARROW_RETURN_NOT_OK(CheckRange("symbols", options.symbols, 1, kSymbolsMax));
  ARROW_RETURN_NOT_OK(CheckRange<int64_t>("batch_rows", options.batch_rows, 1, kBatchRowsMax));
  ARROW_RETURN_NOT_OK(CheckRange("skew", options.skew, 0.0, kSkewMax));
  ARROW_RETURN_NOT_OK(CheckRange<int64_t>("start_ns", options.start_ns, 0, kAny));
  ARROW_RETURN_NOT_OK(CheckRange<int64_t>("mean_gap_ns", options.mean_gap_ns, 1, kAny));
  ARROW_RETURN_NOT_OK(CheckRange("late", options.late, 0.0, 1.0));
  ARROW_RETURN_NOT_OK(CheckRange("gaps", options.gaps, 0.0, 1.0));
  ARROW_RETURN_NOT_OK(CheckRange("nulls", options.nulls, 0.0, 1.0));

  // The last time, with ten standard deviations to spare, and the earliest of a late row.
  const auto rows = static_cast<double>(options.rows);
  const auto mean_gap = static_cast<double>(options.mean_gap_ns);
  const double silence = static_cast<double>(kSilenceGaps);
  const double gaps_expected = rows * (1.0 + silence * options.gaps);
  const double gaps_spread = std::sqrt(rows) * (1.0 + silence * std::sqrt(options.gaps)) + 100.0 + silence;
  const double last = static_cast<double>(options.start_ns) + mean_gap * (gaps_expected + 10.0 * gaps_spread);
  if (last >= 9.2e18 || mean_gap * static_cast<double>(kLateGapsMax) >= 9.2e18) {
    return data::OptionError("tick generator: " + std::to_string(options.rows) + " rows with a mean gap of " +
                             std::to_string(options.mean_gap_ns) + " ns from start_ns " +
                             std::to_string(options.start_ns) +
                             " on leave the range of timestamps (the year 2262). Lower rows, mean_gap_ns or gaps.");
  }
  return arrow::Status::OK();
}

// "S0000", "S0001", ...
std::vector<std::string> SymbolNames(int32_t symbols) {
  const std::size_t digits = std::max<std::size_t>(4, std::to_string(symbols - 1).size());
  std::vector<std::string> names;
  names.reserve(static_cast<std::size_t>(symbols));
  for (int32_t at = 0; at < symbols; ++at) {
    const std::string number = std::to_string(at);
    std::string& name = names.emplace_back("S");
    name.append(digits - number.size(), '0').append(number);
  }
  return names;
}

// 1 to 63 lots, small ones more often; `bits` are six random ones.
double Size(uint64_t bits) {
  const auto x = static_cast<int32_t>(bits & 63);
  return static_cast<double>((1 + (x * x >> 6)) * kLot);
}

// The columns of one batch while it is made.
struct Columns {
  int32_t* symbols;
  int64_t* timestamps;
  int64_t* local_timestamps;
  std::array<double*, kColumns> values{};         // Null pointers for columns that the kind lacks.
  std::array<uint8_t*, kColumns> validity{};      // Null pointers where nothing is null.
  std::array<int64_t, kColumns> null_counts{};
};

class TickGenerator final : public arrow::RecordBatchReader {
 public:
  TickGenerator(const TickGeneratorOptions& options, const Kind& kind)
      : options_(options),
        kind_(kind),
        zipf_(options.symbols, options.skew),
        names_(SymbolNames(options.symbols)),
        market_(options.seed, kMarketStream),
        timing_(options.seed, kTimingStream),
        nulls_(options.seed, kNullStream),
        late_(options.late),
        gap_(options.gaps),
        null_(options.nulls),
        clock_ns_(options.start_ns),
        newest_ns_(options.start_ns) {
    Xoshiro first_price(options.seed, kFirstPriceStream);
    constexpr uint64_t kRange = kFirstMidTicksMax - kFirstMidTicksMin + 1;
    for (int32_t symbol = 0; symbol < options.symbols; ++symbol) {
      mid_ticks_.push_back(kFirstMidTicksMin + static_cast<int32_t>(first_price.Next() % kRange));
    }
  }

  arrow::Status Init() {
    arrow::StringBuilder builder;
    ARROW_RETURN_NOT_OK(builder.AppendValues(names_));
    ARROW_ASSIGN_OR_RAISE(const auto dictionary, builder.Finish());
    dictionary_ = dictionary->data();
    const auto time_type = arrow::timestamp(arrow::TimeUnit::NANO);
    const auto symbol_type =
        options_.dictionary_symbols ? arrow::dictionary(arrow::int32(), arrow::utf8()) : arrow::utf8();
    arrow::FieldVector fields = {arrow::field("symbol", symbol_type), arrow::field("timestamp", time_type),
                                 arrow::field("local_timestamp", time_type)};
    for (int column = kind_.first_column; column < kind_.first_column + kind_.columns; ++column) {
      fields.push_back(arrow::field(kColumnNames[static_cast<std::size_t>(column)], arrow::float64()));
    }
    schema_ = arrow::schema(std::move(fields));
    return arrow::Status::OK();
  }

  std::shared_ptr<arrow::Schema> schema() const override { return schema_; }

  arrow::Status ReadNext(std::shared_ptr<arrow::RecordBatch>* out) override {
    *out = nullptr;
    const int64_t rows = std::min(options_.batch_rows, options_.rows - rows_made_);
    if (rows == 0) return arrow::Status::OK();
    const auto numbers = [rows]() { return data::AllocateColumn(rows * 8); };
    ARROW_ASSIGN_OR_RAISE(const auto symbols, data::AllocateColumn(rows * 4));
    ARROW_ASSIGN_OR_RAISE(const auto timestamps, numbers());
    ARROW_ASSIGN_OR_RAISE(const auto local_timestamps, numbers());
    Columns columns{.symbols = symbols->mutable_data_as<int32_t>(),
                    .timestamps = timestamps->mutable_data_as<int64_t>(),
                    .local_timestamps = local_timestamps->mutable_data_as<int64_t>()};
    arrow::BufferVector values(kColumns);
    arrow::BufferVector validity(kColumns);
    for (int at = kind_.first_column; at < kind_.first_column + kind_.columns; ++at) {
      const auto column = static_cast<std::size_t>(at);
      ARROW_ASSIGN_OR_RAISE(values[column], numbers());
      columns.values[column] = values[column]->mutable_data_as<double>();
      if (options_.nulls == 0) continue;
      const int64_t bytes = (rows + 7) / 8;
      ARROW_ASSIGN_OR_RAISE(validity[column], data::AllocateColumn(bytes));
      columns.validity[column] = validity[column]->mutable_data();
      std::memset(columns.validity[column], 0, static_cast<std::size_t>(bytes));
    }

    for (int64_t row = 0; row < rows; row += kChunkRows) Generate(columns, row, std::min(kChunkRows, rows - row));
    rows_made_ += rows;

    ARROW_ASSIGN_OR_RAISE(auto symbol_column, SymbolColumn(symbols, rows));
    arrow::ArrayDataVector arrays = {
        std::move(symbol_column), arrow::ArrayData::Make(schema_->field(1)->type(), rows, {nullptr, timestamps}, 0),
        arrow::ArrayData::Make(schema_->field(2)->type(), rows, {nullptr, local_timestamps}, 0)};
    for (std::size_t column = 0; column < kColumns; ++column) {
      if (values[column] == nullptr) continue;
      arrays.push_back(arrow::ArrayData::Make(arrow::float64(), rows, {validity[column], values[column]},
                                              columns.null_counts[column]));
    }
    *out = arrow::RecordBatch::Make(schema_, rows, std::move(arrays));
    return arrow::Status::OK();
  }

 private:
  // Rows [row, row + count) of a batch, count at most kChunkRows.
  void Generate(Columns& columns, int64_t row, int64_t count) {
    std::array<double, kChunkRows> gaps;
    std::array<uint64_t, kChunkRows> bits;
    for (int64_t at = 0; at < count; ++at) {
      columns.symbols[row + at] = zipf_.Draw(market_.Next());
      gaps[static_cast<std::size_t>(at)] = internal::UniformAboveZero(market_.Next());
      bits[static_cast<std::size_t>(at)] = market_.Next();
    }
    math::Log(std::span(gaps).first(static_cast<std::size_t>(count)));
    FillTimes(columns, row, count, gaps);
    FillMarket(columns, row, count, bits);
    if (options_.nulls > 0) FillNulls(columns, row, count);
  }

  void FillTimes(Columns& columns, int64_t row, int64_t count, const std::array<double, kChunkRows>& gaps) {
    const auto mean_gap = static_cast<double>(options_.mean_gap_ns);
    const bool disturbed = options_.late > 0 || options_.gaps > 0;
    for (int64_t at = 0; at < count; ++at) {
      const bool first = rows_made_ + row + at == 0;
      if (!first) clock_ns_ += static_cast<int64_t>(-gaps[static_cast<std::size_t>(at)] * mean_gap + 0.5);
      int64_t event_ns = clock_ns_;
      if (disturbed) {
        const uint64_t chances = timing_.Next();
        const double lateness =
            internal::UniformAboveZero(timing_.Next()) * mean_gap * static_cast<double>(kLateGapsMax);
        if (!first && gap_.Happens(static_cast<uint32_t>(chances))) {
          event_ns = clock_ns_ += kSilenceGaps * options_.mean_gap_ns;
        }
        if (!first && late_.Happens(static_cast<uint32_t>(chances >> 32))) {
          event_ns = newest_ns_ - std::max<int64_t>(1, static_cast<int64_t>(lateness));
        }
        newest_ns_ = std::max(newest_ns_, event_ns);
      }
      columns.timestamps[row + at] = event_ns;
      columns.local_timestamps[row + at] = clock_ns_ + kLatencyNs;
    }
  }

  void FillMarket(Columns& columns, int64_t row, int64_t count, const std::array<uint64_t, kChunkRows>& bits) {
    std::array<int32_t, kChunkRows> bid_ticks;
    std::array<int32_t, kChunkRows> spread_ticks;
    for (int64_t at = 0; at < count; ++at) {
      const uint64_t word = bits[static_cast<std::size_t>(at)];
      int32_t& mid = mid_ticks_[static_cast<std::size_t>(columns.symbols[row + at])];
      mid = std::max(mid + static_cast<int32_t>(word & 1) - static_cast<int32_t>(word >> 1 & 1), kMidTicksMin);
      const auto spread = static_cast<int32_t>(1 + ((word >> 2 & 0xFFFF) * kSpreadTicksMax >> 16));
      spread_ticks[static_cast<std::size_t>(at)] = spread;
      bid_ticks[static_cast<std::size_t>(at)] = mid - spread / 2;
    }
    // A loop a column: `value(at)` is what stands at a row of the chunk.
    const auto fill = [&](Column column, const auto& value) {
      if (double* const to = columns.values[column]; to != nullptr) {
        for (int64_t at = 0; at < count; ++at) to[row + at] = value(static_cast<std::size_t>(at));
      }
    };
    const auto buys = [&](std::size_t at) { return static_cast<int32_t>(bits[at] >> 18 & 1); };
    fill(kPrice, [&](std::size_t at) { return (bid_ticks[at] + spread_ticks[at] * buys(at)) / kTicksPerUnit; });
    fill(kVolume, [&](std::size_t at) { return Size(bits[at] >> 19); });
    fill(kSide, [&](std::size_t at) { return static_cast<double>(2 * buys(at) - 1); });
    fill(kBid, [&](std::size_t at) { return bid_ticks[at] / kTicksPerUnit; });
    fill(kAsk, [&](std::size_t at) { return (bid_ticks[at] + spread_ticks[at]) / kTicksPerUnit; });
    fill(kBidSize, [&](std::size_t at) { return Size(bits[at] >> 25); });
    fill(kAskSize, [&](std::size_t at) { return Size(bits[at] >> 31); });
  }

  void FillNulls(Columns& columns, int64_t row, int64_t count) {
    for (int64_t at = row; at < row + count; ++at) {
      uint64_t bits = 0;
      for (std::size_t column = 0; column < kColumns; ++column) {
        bits = column % 2 == 0 ? nulls_.Next() : bits >> 32;
        if (columns.validity[column] == nullptr) continue;
        const bool null = null_.Happens(static_cast<uint32_t>(bits));
        columns.null_counts[column] += null;
        columns.validity[column][at / 8] |= static_cast<uint8_t>((null ? 0 : 1) << (at % 8));
      }
    }
  }

  arrow::Result<std::shared_ptr<arrow::ArrayData>> SymbolColumn(const std::shared_ptr<arrow::Buffer>& symbols,
                                                                int64_t rows) {
    const auto& type = schema_->field(0)->type();
    if (options_.dictionary_symbols) {
      auto column = arrow::ArrayData::Make(type, rows, {nullptr, symbols}, 0);
      column->dictionary = dictionary_;
      return column;
    }
    const std::size_t width = names_.front().size();  // All names are equally long.
    ARROW_ASSIGN_OR_RAISE(const auto offsets, data::AllocateColumn((rows + 1) * 4));
    ARROW_ASSIGN_OR_RAISE(const auto bytes, data::AllocateColumn(rows * static_cast<int64_t>(width)));
    const auto* const ids = symbols->data_as<int32_t>();
    auto* const ends = offsets->mutable_data_as<int32_t>();
    uint8_t* const letters = bytes->mutable_data();
    ends[0] = 0;
    for (int64_t row = 0; row < rows; ++row) {
      std::memcpy(letters + ends[row], names_[static_cast<std::size_t>(ids[row])].data(), width);
      ends[row + 1] = ends[row] + static_cast<int32_t>(width);
    }
    return arrow::ArrayData::Make(type, rows, {nullptr, offsets, bytes}, 0);
  }

  const TickGeneratorOptions options_;
  const Kind kind_;
  const ZipfSymbols zipf_;
  const std::vector<std::string> names_;
  std::shared_ptr<arrow::ArrayData> dictionary_;
  std::shared_ptr<arrow::Schema> schema_;

  Xoshiro market_;
  Xoshiro timing_;
  Xoshiro nulls_;
  const Chance late_;
  const Chance gap_;
  const Chance null_;
  std::vector<int32_t> mid_ticks_;  // By symbol.
  int64_t clock_ns_;                // The venue's clock, at the newest row.
  int64_t newest_ns_;               // The newest event time given.
  int64_t rows_made_ = 0;
};

}  // namespace

arrow::Result<std::shared_ptr<arrow::RecordBatchReader>> GenerateTicks(const TickGeneratorOptions& options) {
  ARROW_RETURN_NOT_OK(CheckOptions(options));
  ARROW_ASSIGN_OR_RAISE(const Kind kind, FindKind(options.kind));
  auto generator = std::make_shared<TickGenerator>(options, kind);
  ARROW_RETURN_NOT_OK(generator->Init());
  return generator;
}

}  // namespace sabot::connectors
