// Rows as bytes of the wire, and back: Arrow's IPC bodies, without the schema, which both ends know from the plan.
//
// The header's part: the frontier; then, for each body, the column whose dictionary it continues (or kRows), whether
// that dictionary begins anew, Arrow's metadata and the number of its bytes. Places travel as three columns behind the
// others; a column with a dictionary as indices into the channel's own (wire_dictionary.h).
#pragma once

#include <arrow/buffer.h>
#include <arrow/memory_pool.h>
#include <arrow/result.h>
#include <arrow/type.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sabot/data/frame.h"
#include "sabot/shuffle/wire_dictionary.h"

namespace sabot::shuffle {

// Error (kSchema): a column that cannot travel; names it and its type.
arrow::Status CheckWireSchema(const arrow::Schema& schema);

// One channel's, for one thread at a time. The schema passed CheckWireSchema.
class WireEncoder {
 public:
  WireEncoder(std::shared_ptr<arrow::Schema> schema, arrow::MemoryPool* pool);

  struct Encoded {
    std::string more;          // Of the header.
    arrow::BufferVector body;  // Shares the columns where rows are dense.
    int64_t body_bytes = 0;
    bool has_places = false;
  };
  // All rows of the frame, and its frontier. Then one of the two: it was sent, or it will not be.
  arrow::Result<Encoded> Encode(const data::Frame& rows);
  void Keep();
  void Undo();

 private:
  struct Section;
  arrow::Status Append(uint16_t column, bool reset, const arrow::RecordBatch& batch, Section& sections) const;

  std::shared_ptr<arrow::Schema> schema_;
  arrow::MemoryPool* pool_;
  std::vector<std::optional<WireDictionary>> dictionaries_;  // By column.
};

class WireDecoder {
 public:
  WireDecoder(std::shared_ptr<arrow::Schema> schema, arrow::MemoryPool* pool);

  // A frame of rows, which shares `body`. Any bytes may be given. Error (kData): they are no rows of this schema.
  arrow::Result<data::Frame> Decode(std::string_view more, const std::shared_ptr<arrow::Buffer>& body, bool has_places,
                                    int64_t rows);

 private:
  std::shared_ptr<arrow::Schema> schema_;
  std::shared_ptr<arrow::Schema> wire_schema_;         // With indices in place of dictionaries,
  std::shared_ptr<arrow::Schema> wire_schema_places_;  // and with places.
  arrow::MemoryPool* pool_;
  arrow::ArrayVector dictionaries_;  // By column; nullptr where nothing came yet.
};

}  // namespace sabot::shuffle
