#include "sabot/connectors/sheet_reader_internal.h"

#include <algorithm>
#include <utility>

#include "sabot/connectors/cell_text_internal.h"
#include "sabot/data/errors.h"

namespace sabot::connectors::internal {

XmlSheetReader::XmlSheetReader(std::string where, std::unique_ptr<ZipArchive> archive, std::unique_ptr<ZipPart> part,
                               std::shared_ptr<const SharedTexts> texts)
    : where_(std::move(where)),
      archive_(std::move(archive)),
      part_(std::move(part)),
      elements_(*part_),
      cells_(elements_, std::move(texts)) {}

double XmlSheetReader::done() const {
  if (ended_) return 1;
  const auto size = static_cast<double>(std::max<int64_t>(part_->size(), 1));
  return std::min(static_cast<double>(elements_.scanner().bytes_read()) / size, 1.0);
}

arrow::Result<bool> XmlSheetReader::Next(SheetRow* row) {
  ARROW_RETURN_NOT_OK(failure_);
  while (!ended_) {
    row->cells.clear();
    elements_.scanner().Mark();
    if (Step(row)) {
      if (!row->cells.empty()) return true;
    } else if (elements_.stopped() == XmlToken::kBad) {
      return Failure(elements_.status());
    } else {
      const auto more = More();
      if (!more.ok()) return Failure(more.status());
      ended_ = !*more;
    }
  }
  row->cells.clear();
  return false;
}

arrow::Status XmlSheetReader::Failure(const arrow::Status& status) {
  std::string row;
  if (in_rows_) row = row_ > last_row_ ? "row " + std::to_string(row_) : "after row " + std::to_string(last_row_);
  return failure_ = status.WithMessage(where_, row.empty() ? "" : ", ", row, ": ", status.message());
}

arrow::Result<bool> XmlSheetReader::More() {
  ARROW_ASSIGN_OR_RAISE(const bool more, elements_.scanner().Refill());
  if (more) return true;
  if (!began_ || !open_.empty()) {
    return data::DataError("it ends in the middle. Copy the file again, or save it again.");
  }
  if (!had_rows_) return data::DataError("it has no <sheetData>, where the cells of a sheet stand.");
  return false;
}

bool XmlSheetReader::Step(SheetRow* row) {
  const XmlToken token = elements_.scanner().Next();
  if (!elements_.Expect(token)) return false;
  if (token == XmlToken::kEnd) return End();
  if (token != XmlToken::kText) return Child(token == XmlToken::kEmpty, row);
  const std::string_view text = Trimmed(elements_.scanner().text());
  const bool passed_over = !open_.empty() && !(in_rows_ && open_.size() == 2);
  return passed_over || text.empty() || elements_.Fail("text " + Quoted(text) + " stands where none belongs");
}

bool XmlSheetReader::Child(bool empty, SheetRow* row) {
  elements_.ForgetTexts();
  if (in_rows_ && open_.size() == 2) return elements_.DeclaresNothingNew() && Row(empty, row);
  if (open_.empty() && !Root()) return false;
  if (open_.size() == 1 && !ChildOfSheet(empty)) return false;
  if (empty) return true;
  if (open_.size() == kXmlDepthMax) {
    return elements_.Fail("its XML is nested deeper than " + std::to_string(kXmlDepthMax) + " elements");
  }
  open_.emplace_back(elements_.scanner().name());
  return true;
}

bool XmlSheetReader::Root() {
  if (began_) return elements_.Fail("a second document follows the worksheet");
  elements_.TakeNamespaces();
  if (elements_.SheetName(elements_.scanner().name()) != "worksheet") {
    return elements_.Fail("its XML begins with <" + elements_.Shown() + ">, which is no worksheet");
  }
  began_ = true;
  return true;
}

bool XmlSheetReader::ChildOfSheet(bool empty) {
  if (!elements_.DeclaresNothingNew()) return false;
  if (elements_.SheetName(elements_.scanner().name()) != "sheetData") return true;
  if (had_rows_) return elements_.Fail("it has a second <sheetData>");
  had_rows_ = true;
  in_rows_ = !empty;
  return true;
}

bool XmlSheetReader::End() {
  if (open_.empty() || open_.back() != elements_.scanner().name()) {
    return elements_.Fail("</" + elements_.Shown() + "> ends what did not begin");
  }
  open_.pop_back();
  if (open_.size() == 1) in_rows_ = false;
  return true;
}

bool XmlSheetReader::Row(bool empty, SheetRow* row) {
  XmlScanner& scanner = elements_.scanner();
  const std::string_view name = scanner.name();
  if (elements_.SheetName(name) != "row") return elements_.Unknown("among the rows");
  if (!RowNumber()) return false;
  cells_.BeginRow();
  while (!empty) {
    const XmlToken token = scanner.Next();
    if (token == XmlToken::kStart || token == XmlToken::kEmpty) {
      if (!elements_.DeclaresNothingNew()) return false;
      const std::string_view child = elements_.SheetName(scanner.name());
      if (child == "c") {
        Cell cell;
        if (!cells_.Read(token == XmlToken::kEmpty, &row_, &cell)) return false;
        if (!cell.text.empty()) row->cells.push_back(cell);
      } else if (child == "extLst") {
        if (token == XmlToken::kStart && !elements_.Skip()) return false;
      } else {
        return elements_.Unknown("in a row");
      }
    } else if (token == XmlToken::kEnd) {
      if (scanner.name() != name) return elements_.Fail("a row ends with </" + elements_.Shown() + ">");
      break;
    } else if (!elements_.Expect(token)) {
      return false;
    } else if (!Trimmed(scanner.text()).empty()) {
      return elements_.Fail("text " + Quoted(scanner.text()) + " stands in a row, beside its cells");
    }
  }
  return FinishRow(row);
}

bool XmlSheetReader::RowNumber() {
  row_ = 0;
  for (const XmlAttribute& attribute : elements_.scanner().attributes()) {
    if (attribute.name != "r") continue;
    row_ = WholeNumber(Trimmed(elements_.Decoded(attribute.value)), kSheetRowsMax).value_or(0);
    if (row_ == 0) return elements_.Fail("a row says that its number is " + Quoted(attribute.value));
  }
  return true;
}

bool XmlSheetReader::FinishRow(SheetRow* row) {
  row->number = row_ == 0 ? last_row_ + 1 : row_;
  if (row->number <= last_row_ || row->number > kSheetRowsMax) {
    return elements_.Fail("row " + std::to_string(row->number) + " follows row " + std::to_string(last_row_));
  }
  if (!std::ranges::is_sorted(row->cells, {}, &Cell::column)) std::ranges::sort(row->cells, {}, &Cell::column);
  const auto twice = std::ranges::adjacent_find(row->cells, {}, &Cell::column);
  if (twice != row->cells.end()) {
    return elements_.Fail("column " + std::to_string(twice->column + 1) + " stands twice in row " +
                          std::to_string(row->number));
  }
  last_row_ = row->number;
  return true;
}

}  // namespace sabot::connectors::internal
