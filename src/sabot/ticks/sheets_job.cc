// A security's sheets into its tick file.
#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "sabot/data/errors.h"
#include "sabot/env/digest.h"
#include "sabot/env/interrupt.h"
#include "sabot/ticks/sheet_ticks.h"
#include "sabot/ticks/tick_jobs_internal.h"

namespace sabot::ticks::internal {
namespace {

using connectors::Workbook;

constexpr const char* kMarket = "adx";  // Of workbooks, unless another one is said.

class SheetsJob final : public TickJob {
 public:
  SheetsJob(const std::string& path, std::shared_ptr<Workbook> workbook, SecuritySheets sheets, double weight)
      : name_(std::filesystem::path(path).filename().string()),
        workbook_(std::move(workbook)),
        sheets_(std::move(sheets)),
        weight_(weight) {}

  double weight() const override { return weight_; }

  void Claim(Conversion& conversion) override {
    if (sheets_.clash.empty()) claimed_ = conversion.Claim(conversion.PathOf(sheets_.security), Source());
  }

  std::vector<ConvertedTicks> Run(Conversion& conversion) override {
    ConvertedTicks result;
    result.security = sheets_.security;
    result.source = Source();
    result.path = conversion.PathOf(sheets_.security);
    result.status = Convert(conversion, &result);
    if (!result.status.ok()) {
      const std::string where = "'" + name_ + "'";  // Of what the reader said already.
      if (result.status.message().find(where) == std::string::npos) {
        result.status = result.status.WithMessage(result.source, ": ", result.status.message());
      }
      result.path.clear();
    }
    return {result};
  }

 private:
  std::string SheetName(int sheet) const { return "'" + workbook_->sheets()[static_cast<std::size_t>(sheet)] + "'"; }
  std::string Source() const {
    std::string source = name_ + (sheets_.sheets.size() > 1 ? " sheets " : " sheet ");
    for (std::size_t at = 0; at < sheets_.sheets.size(); ++at) {
      source += (at > 0 ? ", " : "") + SheetName(sheets_.sheets[at]);
    }
    return source;
  }

  arrow::Status Convert(Conversion& conversion, ConvertedTicks* result) {
    if (!sheets_.clash.empty()) return data::DataError(sheets_.clash + ".");
    ARROW_RETURN_NOT_OK(claimed_);
    TickFileInfo& info = result->info;
    info.security = sheets_.security;
    info.source = result->source;
    info.market = conversion.options().market.value_or(kMarket);
    ARROW_ASSIGN_OR_RAISE(info.source_digest, DigestOfSheets(conversion.options(), info.market));
    if (const auto found = UpToDate(result->path, info.source_digest)) {
      result->info = *found;
      result->skipped = true;
      return arrow::Status::OK();
    }
    std::optional<OrderedTicks> ticks;
    for (std::size_t at = 0; at < sheets_.sheets.size(); ++at) {
      before_ = static_cast<double>(at) / static_cast<double>(sheets_.sheets.size());
      ARROW_RETURN_NOT_OK(ReadSheet(sheets_.sheets[at], conversion, ticks, &info));
    }
    return ticks->Close(info).Value(&info);
  }

  arrow::Result<std::string> DigestOfSheets(const ConvertTicksOptions& options, const std::string& market) const {
    std::string content = OptionsText(options, market) + ";header_row=" + std::to_string(options.header_row);
    for (const int sheet : sheets_.sheets) {
      ARROW_ASSIGN_OR_RAISE(const std::string fingerprint, workbook_->Fingerprint(sheet));
      content += ";" + fingerprint;
    }
    return env::DigestOf(content);
  }

  arrow::Status ReadSheet(int sheet, Conversion& conversion, std::optional<OrderedTicks>& ticks, TickFileInfo* info) {
    ARROW_ASSIGN_OR_RAISE(const auto reader, workbook_->OpenSheet(sheet));
    SheetTicksTaker taker;
    taker.begin = [&](bool has_side) -> arrow::Status {
      if (!ticks) {
        ticks.emplace(conversion.PathOf(sheets_.security), OrderedTicksOptions{.with_side = has_side});
        with_side_ = has_side;
      }
      if (has_side == with_side_) return arrow::Status::OK();
      return data::SchemaError("sheet " + SheetName(sheet) + " has " + (has_side ? "a" : "no") +
                               " column of sides, and sheet " + SheetName(sheets_.sheets.front()) + " has " +
                               (has_side ? "none" : "one") + ". They are one security: give both the same columns.");
    };
    taker.take = [&](const TickBuffer& rows) -> arrow::Status {
      ARROW_RETURN_NOT_OK(env::InterruptScope::Check());
      ticks->Add(rows);
      conversion.CountRows(rows.rows());
      set_done(before_ + reader->done() / static_cast<double>(sheets_.sheets.size()));
      return ticks->MakeRoom();
    };
    taker.reject = [&](int64_t row, const std::string& reason, std::string text) -> arrow::Status {
      ++info->rejected;
      conversion.CountRows(1);
      return conversion.Reject("'" + name_ + "', sheet " + SheetName(sheet) + ", row " + std::to_string(row), reason,
                               std::move(text));
    };
    const auto& options = conversion.options();
    const SheetTicksOptions how = {
        .header_row = options.header_row, .date1904 = workbook_->date1904(), .day_first = options.day_first};
    const auto status = ReadSheetTicks(*reader, how, taker);
    if (status.ok() || sheets_.sheets.size() == 1 || data::KindOf(status) != data::ErrorKind::kSchema) return status;
    return status.WithMessage("sheet ", SheetName(sheet), ": ", status.message());
  }

  std::string name_;
  std::shared_ptr<Workbook> workbook_;
  SecuritySheets sheets_;
  double weight_;
  arrow::Status claimed_;
  bool with_side_ = false;
  double before_ = 0;  // What was done before this sheet.
};

}  // namespace

std::unique_ptr<TickJob> MakeSheetsJob(std::string path, std::shared_ptr<Workbook> workbook, SecuritySheets sheets,
                                       double weight) {
  return std::make_unique<SheetsJob>(path, std::move(workbook), std::move(sheets), weight);
}

}  // namespace sabot::ticks::internal
