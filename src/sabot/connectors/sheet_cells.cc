#include <limits>
#include <string>

#include "sabot/connectors/cell_text_internal.h"
#include "sabot/connectors/sheet_cells_internal.h"

namespace sabot::connectors::internal {

bool CellReader::Read(bool empty, int64_t* row_number, Cell* cell) {
  XmlScanner& scanner = elements_->scanner();
  const std::string_view name = scanner.name();
  std::string_view type;
  if (!Place(row_number, &type, cell)) return false;
  bool has_value = false;
  bool has_inline = false;
  std::string_view value;
  std::string_view inline_text;
  while (!empty) {
    const XmlToken token = scanner.Next();
    if (token == XmlToken::kStart || token == XmlToken::kEmpty) {
      const bool starts = token == XmlToken::kStart;
      const std::string_view child = scanner.name();
      if (!elements_->DeclaresNothingNew()) return false;
      const std::string_view local = elements_->SheetName(child);
      if (local == "v" && !has_value) {
        has_value = true;
        if (starts && !elements_->TextUntilEnd(child, &value)) return false;
      } else if (local == "is" && !has_inline) {
        has_inline = true;
        if (starts && !InlineText(child, &inline_text)) return false;
      } else if (local == "f" || local == "extLst") {
        if (starts && !elements_->Skip()) return false;
      } else {
        return elements_->Unknown("in a cell");
      }
    } else if (token == XmlToken::kEnd) {
      if (scanner.name() != name) return elements_->Fail("a cell ends with </" + elements_->Shown() + ">");
      break;
    } else if (!elements_->Expect(token)) {
      return false;
    } else if (!Trimmed(scanner.text()).empty()) {
      return elements_->Fail("text " + Quoted(scanner.text()) + " stands in a cell, beside its value");
    }
  }
  if (has_inline && (!has_value || type == "inlineStr")) {
    type = "inlineStr";
    value = inline_text;
  }
  return Value(type, value, cell);
}

bool CellReader::Place(int64_t* row_number, std::string_view* type, Cell* cell) {
  cell->column = next_column_;
  for (const XmlAttribute& attribute : elements_->scanner().attributes()) {
    if (attribute.name == "t") *type = elements_->Decoded(attribute.value);
    if (attribute.name != "r") continue;
    const auto reference = ParseCellReference(Trimmed(elements_->Decoded(attribute.value)));
    if (!reference.has_value()) return elements_->Fail("a cell says that it is " + Quoted(attribute.value));
    if (*row_number == 0) *row_number = reference->row;
    if (*row_number != reference->row) return elements_->Fail("cell " + Quoted(attribute.value) + " stands in it");
    cell->column = reference->column;
  }
  if (cell->column >= kSheetColumnsMax)
    return elements_->Fail("it has more than " + std::to_string(kSheetColumnsMax) + " columns");
  next_column_ = cell->column + 1;
  return true;
}

bool CellReader::Value(std::string_view type, std::string_view text, Cell* cell) {
  if (type == "str" || type == "inlineStr") {
    cell->kind = Cell::Kind::kText;
    cell->text = text;
    if (MayHaveEscapes(text)) {
      std::string& resolved = elements_->NewText(text);
      ResolveEscapes(&resolved, 0);
      cell->text = resolved;
    }
    return true;
  }
  cell->text = Trimmed(text);
  if (cell->text.empty()) return true;
  if (type.empty() || type == "n") {
    cell->kind = ParseCellNumber(cell->text, &cell->number) ? Cell::Kind::kNumber : Cell::Kind::kError;
  } else if (type == "s") {
    const auto index = WholeNumber(cell->text, std::numeric_limits<int32_t>::max());
    if (!index.has_value()) return elements_->Fail("a cell refers to shared text " + Quoted(cell->text));
    if (texts_ == nullptr || *index >= texts_->size()) {
      return elements_->Fail("a cell refers to shared text " + std::to_string(*index) + ", but the workbook has " +
                             std::to_string(texts_ == nullptr ? 0 : texts_->size()));
    }
    cell->kind = Cell::Kind::kText;
    cell->text = (*texts_)[*index];
  } else if (type == "b") {
    const bool yes = cell->text == "1" || cell->text == "true";
    cell->kind = yes || cell->text == "0" || cell->text == "false" ? Cell::Kind::kBool : Cell::Kind::kError;
    cell->number = yes ? 1 : 0;
  } else if (type == "e") {
    cell->kind = Cell::Kind::kError;
  } else if (type == "d") {
    cell->kind = Cell::Kind::kDate;
  } else {
    return elements_->Fail("a cell is of type " + Quoted(type) + ", which is not known");
  }
  return true;
}

// <is><t>text</t></is> or <is><r><rPr/><t>of </t></r><r><t>two runs</t></r><rPh><t>how it is said</t></rPh></is>
bool CellReader::InlineText(std::string_view name, std::string_view* text) {
  XmlScanner& scanner = elements_->scanner();
  std::string_view run;  // Not empty: within one.
  std::string* joined = nullptr;
  for (;;) {
    const XmlToken token = scanner.Next();
    if (token == XmlToken::kStart || token == XmlToken::kEmpty) {
      const std::string_view child = scanner.name();
      if (!elements_->DeclaresNothingNew()) return false;
      const std::string_view local = elements_->SheetName(child);
      const bool passed_over = run.empty() ? local == "rPh" || local == "phoneticPr" : local == "rPr";
      if (local != "t" && !passed_over && !(local == "r" && run.empty())) {
        return elements_->Unknown("in a text");
      }
      if (token == XmlToken::kEmpty) continue;
      if (local == "r") {
        run = child;
      } else if (passed_over) {
        if (!elements_->Skip()) return false;
      } else {
        std::string_view part;
        if (!elements_->TextUntilEnd(child, &part)) return false;
        if (text->empty()) {
          *text = part;
        } else {
          if (joined == nullptr) joined = &elements_->NewText(*text);
          *joined += part;
          *text = *joined;
        }
      }
    } else if (token == XmlToken::kEnd) {
      if (scanner.name() != (run.empty() ? name : run)) {
        return elements_->Fail("a text ends with </" + elements_->Shown() + ">");
      }
      if (run.empty()) return true;
      run = {};
    } else if (!elements_->Expect(token)) {
      return false;
    } else if (!Trimmed(scanner.text()).empty()) {
      return elements_->Fail("text " + Quoted(scanner.text()) + " stands where none belongs");
    }
  }
}

}  // namespace sabot::connectors::internal
