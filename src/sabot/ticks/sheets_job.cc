// A security's sheets into its tick file.
#include <algorithm>
#include <filesystem>
#include <string>
#include <utility>
#include <vector>

#include "sabot/data/errors.h"
#include "sabot/env/digest.h"
#include "sabot/env/interrupt.h"
#include "sabot/ticks/sheet_ticks.h"
#include "sabot/ticks/tick_jobs_internal.h"

namespace sabot::ticks::internal {
namespace {

using connectors::Workbook;

constexpr const char* kMarket = "adx";  // Of workbooks, unless another one is said.

std::string SheetName(const Workbook& workbook, int sheet) {
  return "'" + workbook.sheets()[static_cast<std::size_t>(sheet)] + "'";
}

// Such as: a.xlsx sheets 'ADNOCGAS UH Equity', 'ADNOCGAS UH Equity (2)'
std::string SourceOf(const std::string& name, const Workbook& workbook, const std::vector<int>& sheets) {
  std::string source = name + (sheets.size() > 1 ? " sheets " : " sheet ");
  for (std::size_t at = 0; at < sheets.size(); ++at) {
    source += (at > 0 ? ", " : "") + SheetName(workbook, sheets[at]);
  }
  return source;
}

class SheetsJob final : public TickJob {
 public:
  SheetsJob(TickJobInfo info, std::string name, std::shared_ptr<Workbook> workbook, SecuritySheets sheets)
      : TickJob(std::move(info)), name_(std::move(name)), workbook_(std::move(workbook)), sheets_(std::move(sheets)) {}

  arrow::Result<std::string> Digest(const ConvertTicksOptions& options) const override {
    std::string content = OptionsText(options, info().market) + ";header_row=" + std::to_string(options.header_row);
    for (const int sheet : sheets_.sheets) {
      ARROW_ASSIGN_OR_RAISE(const std::string fingerprint, workbook_->Fingerprint(sheet));
      content += ";" + fingerprint;
    }
    return env::DigestOf(content);
  }

  arrow::Result<std::vector<TickPart>> Read(Conversion& conversion) override {
    std::vector<TickPart> parts(1);
    parts[0].security = info().security;
    auto status = ReadSheets(conversion, parts[0]);
    const std::string where = "'" + name_ + "'";  // Of what the reader said already.
    if (status.ok()) return parts;
    if (status.message().find(where) != std::string::npos) return status;
    return status.WithMessage(info().source, ": ", status.message());
  }

 private:
  arrow::Status ReadSheets(Conversion& conversion, TickPart& part) {
    for (std::size_t at = 0; at < sheets_.sheets.size(); ++at) {
      before_ = static_cast<double>(at) / static_cast<double>(sheets_.sheets.size());
      ARROW_RETURN_NOT_OK(ReadSheet(sheets_.sheets[at], conversion, part));
    }
    return arrow::Status::OK();
  }

  arrow::Status ReadSheet(int sheet, Conversion& conversion, TickPart& part) {
    ARROW_ASSIGN_OR_RAISE(const auto reader, workbook_->OpenSheet(sheet));
    SheetTicksTaker taker;
    taker.begin = [&](bool has_side) -> arrow::Status {
      if (part.ticks == nullptr) {
        part.ticks = conversion.MakeTicks(conversion.PathOf(part.security), {.with_side = has_side});
      }
      if (has_side == part.ticks->with_side()) return arrow::Status::OK();
      return data::SchemaError("sheet " + SheetName(*workbook_, sheet) + " has " + (has_side ? "a" : "no") +
                               " column of sides, and sheet " + SheetName(*workbook_, sheets_.sheets.front()) +
                               " has " + (has_side ? "none" : "one") +
                               ". They are one security: give both the same columns.");
    };
    taker.take = [&](const TickBuffer& rows) -> arrow::Status {
      ARROW_RETURN_NOT_OK(env::InterruptScope::Check());
      part.ticks->Add(rows);
      conversion.CountRows(rows.rows());
      set_done(before_ + reader->done() / static_cast<double>(sheets_.sheets.size()));
      return part.ticks->MakeRoom();
    };
    taker.reject = [&](int64_t row, const std::string& reason, std::string text) -> arrow::Status {
      ++part.rejected;
      conversion.CountRows(1);
      return conversion.Reject(
          "'" + name_ + "', sheet " + SheetName(*workbook_, sheet) + ", row " + std::to_string(row), reason,
          std::move(text));
    };
    const auto& options = conversion.options();
    const SheetTicksOptions how = {
        .header_row = options.header_row, .date1904 = workbook_->date1904(), .day_first = options.day_first};
    const auto status = ReadSheetTicks(*reader, how, taker);
    if (status.ok() || sheets_.sheets.size() == 1 || data::KindOf(status) != data::ErrorKind::kSchema) return status;
    return status.WithMessage("sheet ", SheetName(*workbook_, sheet), ": ", status.message());
  }

  std::string name_;  // Of the workbook.
  std::shared_ptr<Workbook> workbook_;
  SecuritySheets sheets_;
  double before_ = 0;  // What was done before this sheet.
};

}  // namespace

std::unique_ptr<TickJob> MakeSheetsJob(const connectors::InputFile& file, std::shared_ptr<Workbook> workbook,
                                       SecuritySheets sheets, double weight, const ConvertTicksOptions& options) {
  std::string name = std::filesystem::path(file.path).filename().string();
  TickJobInfo info{.security = sheets.security,
                   .ticker = sheets.name,
                   .source = SourceOf(name, *workbook, sheets.sheets),
                   .paths = {PathOfInput(file)},
                   .market = options.market.value_or(kMarket),
                   .weight = weight};
  return std::make_unique<SheetsJob>(std::move(info), std::move(name), std::move(workbook), std::move(sheets));
}

}  // namespace sabot::ticks::internal
