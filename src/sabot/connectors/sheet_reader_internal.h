// The rows of one sheet, from its XML.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sabot/connectors/sheet_cells_internal.h"
#include "sabot/connectors/sheet_elements_internal.h"
#include "sabot/connectors/workbook.h"
#include "sabot/connectors/workbook_parts_internal.h"
#include "sabot/connectors/zip_archive_internal.h"

namespace sabot::connectors::internal {

// Reads <worksheet><sheetData><row r="1"><c r="A1" t="s"><v>0</v></c></row></sheetData></worksheet>. What else stands
// in a worksheet is passed over; what is not known among rows and cells is an error.
//
// A row lies in the scanner's buffer as a whole, so its texts need no copy: where the buffer ends within it, it is read
// again from its beginning.
class XmlSheetReader final : public SheetReader {
 public:
  // `where` begins the messages. `archive` may be null, if the part needs none. `texts` may be null: there are none.
  XmlSheetReader(std::string where, std::unique_ptr<ZipArchive> archive, std::unique_ptr<ZipPart> part,
                 std::shared_ptr<const SharedTexts> texts);

  arrow::Result<bool> Next(SheetRow* row) override;
  double done() const override;

 private:
  // These say whether it went well; else elements_.stopped() says why not.
  bool Step(SheetRow* row);  // One token outside of rows, or one row; which has cells, if it is to be given out.
  bool Root();
  bool Child(bool empty, SheetRow* row);
  bool ChildOfSheet(bool empty);
  bool End();
  bool Row(bool empty, SheetRow* row);
  bool RowNumber();
  bool FinishRow(SheetRow* row);

  // False at the end.
  arrow::Result<bool> More();
  arrow::Status Failure(const arrow::Status& status);

  std::string where_;
  std::unique_ptr<ZipArchive> archive_;
  std::unique_ptr<ZipPart> part_;
  SheetElements elements_;
  CellReader cells_;

  std::vector<std::string> open_;  // Elements, outside of rows.
  bool began_ = false;  // The worksheet,
  bool had_rows_ = false;  // and its <sheetData>.
  bool in_rows_ = false;
  bool ended_ = false;
  int64_t last_row_ = 0;
  int64_t row_ = 0;  // Being read; 0, if it is not known yet.
  arrow::Status failure_;
};

}  // namespace sabot::connectors::internal
