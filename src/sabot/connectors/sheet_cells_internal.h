// The cells of a row: where they are, of which kind, and what they hold.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "sabot/connectors/sheet_elements_internal.h"
#include "sabot/connectors/workbook.h"
#include "sabot/connectors/workbook_parts_internal.h"

namespace sabot::connectors::internal {

class CellReader {
 public:
  // `texts` may be null: there are none.
  CellReader(SheetElements& elements, std::shared_ptr<const SharedTexts> texts)
      : elements_(&elements), texts_(std::move(texts)) {}

  void BeginRow() { next_column_ = 0; }
  // The cell whose tag was scanned. `row_number` is 0 where neither the row nor a cell before said what it is. A cell
  // without a text is blank. False: elements.stopped() says why.
  bool Read(bool empty, int64_t* row_number, Cell* cell);

 private:
  bool Place(int64_t* row_number, std::string_view* type, Cell* cell);
  bool Value(std::string_view type, std::string_view text, Cell* cell);
  // The text of an <is>, which may consist of runs, up to its end.
  bool InlineText(std::string_view name, std::string_view* text);

  SheetElements* elements_;
  std::shared_ptr<const SharedTexts> texts_;
  int32_t next_column_ = 0;
};

}  // namespace sabot::connectors::internal
