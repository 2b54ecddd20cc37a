// CSV and Parquet files with a column of symbols into the ticks of each symbol.
#include <algorithm>
#include <cstddef>
#include <functional>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "sabot/ticks/tick_jobs_internal.h"
#include "sabot/ticks/tick_values.h"

namespace sabot::ticks::internal {
namespace {

constexpr int64_t kHeldRowsMax = 2'000'000;  // Of all symbols together.

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};

TickJobInfo InfoOf(const std::vector<TickInput>& inputs, const ConvertTicksOptions& options) {
  constexpr std::size_t kNamedMax = 4;
  TickJobInfo info{.market = options.market.value_or("")};
  for (std::size_t at = 0; at < inputs.size(); ++at) {
    info.paths.push_back(PathOfInput(inputs[at].file));
    info.weight += WeightOfInput(inputs[at]);
    if (at < kNamedMax) info.source += (at > 0 ? ", " : "") + NameOfInput(inputs[at]);
  }
  if (inputs.size() > kNamedMax) info.source += " and " + std::to_string(inputs.size() - kNamedMax) + " more";
  return info;
}

class SymbolsJob final : public TickJob {
 public:
  SymbolsJob(std::vector<TickInput> inputs, const ConvertTicksOptions& options)
      : TickJob(InfoOf(inputs, options)), inputs_(std::move(inputs)) {
    is_feed_ = std::ranges::any_of(inputs_, [](const TickInput& input) { return input.rows != TickRows::kTicks; });
    with_side_ = is_feed_ || std::ranges::any_of(inputs_, &TickInput::has_side);
  }

  arrow::Result<std::string> Digest(const ConvertTicksOptions& options) const override {
    return DigestOfInputs(inputs_, OptionsText(options, info().market));
  }

  arrow::Result<std::vector<TickPart>> Read(Conversion& conversion) override {
    std::set<std::string> local;  // Symbols whose rows go by local time.
    if (is_feed_) {
      ARROW_ASSIGN_OR_RAISE(local, SymbolsOfLocalTime(inputs_));
    }
    TickBatches::Options how;
    how.uses_local_time = [&](std::string_view symbol) { return local.contains(std::string(symbol)); };
    double before = 0;  // Of the files that were read.
    TickRows rows = inputs_.front().rows;
    for (const TickInput& input : inputs_) {
      if (std::exchange(rows, input.rows) != input.rows) {  // Quotes have an order of their own.
        for (TickPart& part : parts_) part.ticks->BeginStream();
      }
      TickInputTaker taker;
      taker.tick = [&](std::string_view symbol, const Tick& tick) {
        TickPart& part = PartOf(symbol, conversion);
        if (part.status.ok()) part.ticks->Add(tick);
        return arrow::Status::OK();
      };
      taker.rejected = [&](std::string_view symbol) {
        ++(symbol.empty() ? rejected_of_none_ : PartOf(symbol, conversion).rejected);
      };
      taker.after_batch = [&](double done) {
        set_done((before + done * WeightOfInput(input)) / info().weight);
        return MakeRoom();
      };
      ARROW_RETURN_NOT_OK(ReadTickInput(input, how, conversion, taker));
      before += WeightOfInput(input);
    }
    if (rejected_of_none_ > 0) parts_.push_back({.rejected = rejected_of_none_});
    return std::move(parts_);
  }

 private:
  TickPart& PartOf(std::string_view symbol, const Conversion& conversion) {
    if (symbol == last_symbol_ && !parts_.empty()) return parts_[last_];
    last_symbol_ = symbol;
    auto known = by_symbol_.find(symbol);
    if (known == by_symbol_.end()) {  // As it is written; in another case it may be known.
      const auto [lower, is_new] = by_symbol_.emplace(LowerCase(symbol), parts_.size());
      if (is_new) AddPart(last_symbol_, conversion);
      known = by_symbol_.insert_or_assign(last_symbol_, lower->second).first;
    }
    last_ = known->second;
    return parts_[last_];
  }

  void AddPart(const std::string& symbol, const Conversion& conversion) {
    const std::string path = conversion.PathOf(symbol);
    parts_.push_back({.security = symbol,
                      .ticks = conversion.MakeTicks(path, {.with_side = with_side_, .drop_unchanged_quotes = is_feed_}),
                      .status = conversion.MayReplace(path, info().source)});
  }

  // What cannot be kept of one symbol is no matter of the others.
  arrow::Status MakeRoom() {
    const auto keep = [](TickPart& part, arrow::Status status) {
      if (status.IsCancelled()) return status;
      part.status = std::move(status);
      return arrow::Status::OK();
    };
    int64_t held = 0;
    for (TickPart& part : parts_) {
      if (!part.status.ok()) continue;
      ARROW_RETURN_NOT_OK(keep(part, part.ticks->MakeRoom()));
      held += part.ticks->held_rows();
    }
    while (held > kHeldRowsMax) {
      const auto rows_of = [](const TickPart& part) { return part.status.ok() ? part.ticks->held_rows() : 0; };
      const auto largest = std::ranges::max_element(parts_, {}, rows_of);
      held -= largest->ticks->held_rows();
      ARROW_RETURN_NOT_OK(keep(*largest, largest->ticks->Spill()));
    }
    return arrow::Status::OK();
  }

  std::vector<TickInput> inputs_;
  bool is_feed_ = false;
  bool with_side_ = false;
  std::vector<TickPart> parts_;
  // In lower case, and as they are written.
  std::unordered_map<std::string, std::size_t, TextHash, std::equal_to<>> by_symbol_;
  std::string last_symbol_;  // Rows of one symbol often stand together.
  std::size_t last_ = 0;
  int64_t rejected_of_none_ = 0;
};

}  // namespace

std::unique_ptr<TickJob> MakeSymbolsJob(std::vector<TickInput> inputs, const ConvertTicksOptions& options) {
  return std::make_unique<SymbolsJob>(std::move(inputs), options);
}

}  // namespace sabot::ticks::internal
