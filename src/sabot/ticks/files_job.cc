// CSV and Parquet files into tick files: one without symbols into one, others into one a symbol.
#include <arrow/type.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <set>
#include <string_view>
#include <unordered_map>
#include <utility>

#include "sabot/data/errors.h"
#include "sabot/env/interrupt.h"
#include "sabot/ticks/tick_jobs_internal.h"

namespace sabot::ticks::internal {
namespace {

constexpr int64_t kHeldRowsMax = 2'000'000;  // Of all symbols together.

std::string LowerCase(std::string_view name) {
  std::string lower;
  for (const char letter : name) lower += letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter | 0x20) : letter;
  return lower;
}

struct TextHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view text) const { return std::hash<std::string_view>()(text); }
};

// One security of the files.
struct Security {
  std::string name;
  std::string path;
  std::unique_ptr<OrderedTicks> ticks;
  TickFileInfo info;
};

class FilesJob final : public TickJob {
 public:
  explicit FilesJob(std::vector<TickInput> inputs) : inputs_(std::move(inputs)) {
    for (const TickInput& input : inputs_) bytes_ += static_cast<double>(std::max<int64_t>(input.file.bytes, 1));
    is_feed_ = std::ranges::any_of(inputs_, [](const TickInput& input) { return input.rows != TickRows::kTicks; });
  }

  double weight() const override { return bytes_; }

  void Claim(Conversion& conversion) override {
    if (inputs_.front().has_symbol) return;  // Then it is known when they are read.
    claimed_ = conversion.Claim(conversion.PathOf(SecurityOfFile(inputs_.front())), Source());
  }

  std::vector<ConvertedTicks> Run(Conversion& conversion) override {
    std::vector<ConvertedTicks> results;
    auto status = Convert(conversion, &results);
    if (status.ok()) return results;
    securities_.clear();
    ConvertedTicks failed;
    failed.security = SecurityOfFile(inputs_.front());
    failed.source = Source();
    failed.status = std::move(status);
    return {failed};
  }

 private:
  static std::string SecurityOfFile(const TickInput& input) {
    return std::filesystem::path(input.file.path).stem().string();
  }
  std::string Source() const {
    constexpr std::size_t kNamedMax = 4;
    std::string source;
    for (std::size_t at = 0; at < std::min(inputs_.size(), kNamedMax); ++at) {
      source += (at > 0 ? ", " : "") + NameOfInput(inputs_[at]);
    }
    if (inputs_.size() > kNamedMax) source += " and " + std::to_string(inputs_.size() - kNamedMax) + " more";
    return source;
  }

  arrow::Status Convert(Conversion& conversion, std::vector<ConvertedTicks>* results) {
    ARROW_RETURN_NOT_OK(claimed_);
    const std::string options = OptionsText(conversion.options(), conversion.options().market.value_or(""));
    ARROW_ASSIGN_OR_RAISE(digest_, DigestOfInputs(inputs_, options));
    if (FindUpToDate(conversion, results)) return arrow::Status::OK();
    if (is_feed_) {
      ARROW_ASSIGN_OR_RAISE(local_, SymbolsOfLocalTime(inputs_));
    }
    TickRows before = inputs_.front().rows;
    for (const TickInput& input : inputs_) {
      if (std::exchange(before, input.rows) != input.rows) {  // Quotes have an order of their own.
        for (Security& security : securities_) security.ticks->BeginStream();
      }
      ARROW_RETURN_NOT_OK(ReadFile(input, conversion));
      bytes_before_ += static_cast<double>(input.file.bytes);
    }
    return Close(conversion, results);
  }

  // All files that this source gives are in the folder.
  bool FindUpToDate(const Conversion& conversion, std::vector<ConvertedTicks>* results) const {
    std::error_code error;
    std::set<std::string> paths;
    if (!inputs_.front().has_symbol) paths.insert(conversion.PathOf(SecurityOfFile(inputs_.front())));
    for (const auto& entry : std::filesystem::directory_iterator(conversion.folder(), error)) {
      const std::string name = entry.path().filename().string();
      if (inputs_.front().has_symbol && name.ends_with(".parquet") && name[0] != '.') {
        paths.insert(conversion.folder() + "/" + name);
      }
    }
    int64_t expected = 0;
    for (const std::string& path : paths) {
      const auto info = UpToDate(path, digest_);
      if (!info) continue;
      expected = info->securities;
      ConvertedTicks result;
      result.security = info->security;
      result.source = info->source;
      result.path = path;
      result.info = *info;
      result.skipped = true;
      results->push_back(std::move(result));
    }
    if (!results->empty() && static_cast<int64_t>(results->size()) == expected) return true;
    results->clear();
    return false;
  }

  arrow::Status ReadFile(const TickInput& input, Conversion& conversion) {
    ARROW_ASSIGN_OR_RAISE(const auto source, OpenTickInput(input, conversion.options().rejects));
    TickBatches::Options how;
    how.day_first = conversion.options().day_first;
    if (!local_.empty())
      how.uses_local_time = [this](std::string_view symbol) { return local_.contains(std::string(symbol)); };
    auto rows = TickBatches::Make(*source->schema(), input.rows, std::move(how));
    if (!rows.ok()) return rows.status().WithMessage(NameOfInput(input), ": ", rows.status().message());
    if (!input.has_symbol)
      ARROW_RETURN_NOT_OK(AddSecurity(SecurityOfFile(input), input, *source->schema(), conversion));

    Security* current = input.has_symbol ? nullptr : &securities_.front();
    std::string current_symbol;
    const auto find = [&](std::string_view symbol) -> arrow::Status {
      if (!input.has_symbol || (current != nullptr && symbol == current_symbol)) return arrow::Status::OK();
      current_symbol = symbol;
      auto known = by_symbol_.find(symbol);
      if (known == by_symbol_.end()) {  // As it is written; in another case it may be known.
        auto lower = by_symbol_.find(LowerCase(symbol));
        if (lower == by_symbol_.end()) {
          ARROW_RETURN_NOT_OK(AddSecurity(current_symbol, input, *source->schema(), conversion));
          lower = by_symbol_.find(LowerCase(symbol));
        }
        known = by_symbol_.insert_or_assign(current_symbol, lower->second).first;
      }
      current = &securities_[known->second];
      return arrow::Status::OK();
    };
    int64_t rows_read = 0;
    std::shared_ptr<arrow::RecordBatch> batch;
    TickBatches::Taker taker;
    taker.tick = [&](std::string_view symbol, const Tick& tick) -> arrow::Status {
      ARROW_RETURN_NOT_OK(find(symbol));
      current->ticks->Add(tick);
      return arrow::Status::OK();
    };
    taker.reject = [&](std::string_view symbol, int64_t row, const std::string& reason) -> arrow::Status {
      if (input.has_symbol && symbol.empty()) {
        ++rejected_of_none_;
      } else {
        ARROW_RETURN_NOT_OK(find(symbol));
        ++current->info.rejected;
      }
      return conversion.Reject("'" + NameOfInput(input) + "', row " + std::to_string(rows_read + row + 1), reason,
                               TextOf(*batch, row));
    };
    for (;;) {
      ARROW_RETURN_NOT_OK(env::InterruptScope::Check());
      ARROW_RETURN_NOT_OK(source->ReadNext(&batch));
      if (batch == nullptr) break;
      ARROW_RETURN_NOT_OK(rows->Read(*batch, taker));
      rows_read += batch->num_rows();
      conversion.CountRows(batch->num_rows());
      set_done((bytes_before_ + source->done().value_or(0) * static_cast<double>(input.file.bytes)) / bytes_);
      ARROW_RETURN_NOT_OK(MakeRoom());
    }
    conversion.CountRejected(source->rows_rejected());
    if (input.has_symbol) {
      rejected_of_none_ += source->rows_rejected();
    } else {
      securities_.front().info.rejected += source->rows_rejected();
    }
    return arrow::Status::OK();
  }

  arrow::Status AddSecurity(const std::string& name, const TickInput& input, const arrow::Schema& schema,
                            Conversion& conversion) {
    Security security;
    security.name = name;
    security.path = conversion.PathOf(name);
    if (input.has_symbol) ARROW_RETURN_NOT_OK(conversion.Claim(security.path, Source()));
    ARROW_ASSIGN_OR_RAISE(const auto columns, FindTickColumns(schema.field_names()));
    const bool with_side = is_feed_ || columns.side != kNoColumn;
    if (securities_.empty()) with_side_ = with_side;
    if (with_side != with_side_) {
      return data::SchemaError(NameOfInput(input) + " has " + (with_side ? "a" : "no") + " column of sides, and " +
                               NameOfInput(inputs_.front()) + " has " + (with_side ? "none" : "one") +
                               ". Give both the same columns, or convert them apart.");
    }
    security.ticks = std::make_unique<OrderedTicks>(
        security.path, OrderedTicksOptions{.with_side = with_side, .drop_unchanged_quotes = is_feed_});
    by_symbol_.emplace(LowerCase(name), securities_.size());
    securities_.push_back(std::move(security));
    return arrow::Status::OK();
  }

  arrow::Status MakeRoom() {
    int64_t held = 0;
    for (Security& security : securities_) {
      ARROW_RETURN_NOT_OK(security.ticks->MakeRoom());
      held += security.ticks->held_rows();
    }
    while (held > kHeldRowsMax) {
      const auto largest = std::ranges::max_element(
          securities_, {}, [](const Security& security) { return security.ticks->held_rows(); });
      held -= largest->ticks->held_rows();
      ARROW_RETURN_NOT_OK(largest->ticks->Spill());
    }
    return arrow::Status::OK();
  }

  arrow::Status Close(Conversion& conversion, std::vector<ConvertedTicks>* results) {
    if (rejected_of_none_ > 0) {
      ConvertedTicks unknown;  // Rows that name no security.
      unknown.source = Source();
      unknown.info.rejected = rejected_of_none_;
      results->push_back(std::move(unknown));
    }
    std::ranges::sort(securities_, {}, &Security::path);
    for (Security& security : securities_) {
      TickFileInfo info = security.info;
      info.security = security.name;
      info.source = Source();
      info.source_digest = digest_;
      info.market = conversion.options().market.value_or("");
      info.securities = static_cast<int64_t>(securities_.size());
      ConvertedTicks result;
      result.security = security.name;
      result.source = info.source;
      result.path = security.path;
      ARROW_ASSIGN_OR_RAISE(result.info, security.ticks->Close(std::move(info)));
      results->push_back(std::move(result));
    }
    return arrow::Status::OK();
  }

  std::vector<TickInput> inputs_;
  arrow::Status claimed_;
  bool is_feed_ = false;
  double bytes_ = 0;
  double bytes_before_ = 0;  // Of the files that were read.
  std::string digest_;
  std::set<std::string> local_;  // Symbols whose rows go by local time.
  std::vector<Security> securities_;
  // In lower case, and as they are written.
  std::unordered_map<std::string, std::size_t, TextHash, std::equal_to<>> by_symbol_;
  bool with_side_ = false;
  int64_t rejected_of_none_ = 0;
};

}  // namespace

std::unique_ptr<TickJob> MakeFilesJob(std::vector<TickInput> inputs) {
  return std::make_unique<FilesJob>(std::move(inputs));
}

}  // namespace sabot::ticks::internal
