#include "sabot/shuffle/wire_batch.h"

#include <arrow/array/concatenate.h>
#include <arrow/array/util.h>
#include <arrow/ipc/message.h>
#include <arrow/ipc/options.h>
#include <arrow/ipc/reader.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>
#include <arrow/util/bit_util.h>
#include <arrow/util/checked_cast.h>

#include <array>
#include <limits>
#include <utility>

#include "sabot/data/errors.h"
#include "sabot/data/gather.h"
#include "sabot/shuffle/place_columns_internal.h"
#include "sabot/shuffle/wire_bytes.h"

namespace sabot::shuffle {
namespace {

using arrow::internal::checked_cast;

constexpr uint16_t kRows = std::numeric_limits<uint16_t>::max();

bool IsDictionary(const arrow::Field& field) { return field.type()->id() == arrow::Type::DICTIONARY; }

bool HoldsDictionary(const arrow::DataType& type) {
  if (type.id() == arrow::Type::DICTIONARY) return true;
  if (type.id() == arrow::Type::EXTENSION) {
    return HoldsDictionary(*checked_cast<const arrow::ExtensionType&>(type).storage_type());
  }
  for (const auto& field : type.fields()) {
    if (HoldsDictionary(*field->type())) return true;
  }
  return false;
}

std::shared_ptr<arrow::Schema> WireSchema(const arrow::Schema& schema, bool has_places) {
  arrow::FieldVector fields;
  for (const auto& field : schema.fields()) {
    fields.push_back(arrow::field(
        field->name(), IsDictionary(*field) ? checked_cast<const arrow::DictionaryType&>(*field->type()).index_type()
                                            : field->type()));
  }
  if (has_places) {
    for (const auto& field : internal::PlaceFields()) fields.push_back(field);
  }
  return arrow::schema(std::move(fields));
}

arrow::Status NotRows(const std::string& why) {
  return data::DataError("shuffle: a frame that holds no rows of this edge: " + why + ".");
}

arrow::Result<std::shared_ptr<arrow::RecordBatch>> ReadBody(std::string_view metadata,
                                                            std::shared_ptr<arrow::Buffer> body,
                                                            const std::shared_ptr<arrow::Schema>& schema,
                                                            arrow::MemoryPool* pool) {
  auto options = arrow::ipc::IpcReadOptions::Defaults();
  options.memory_pool = pool;
  options.use_threads = false;
  options.ensure_alignment = arrow::ipc::Alignment::kDataTypeSpecificAlignment;
  ARROW_ASSIGN_OR_RAISE(auto message,
                        arrow::ipc::Message::Open(arrow::Buffer::FromString(std::string(metadata)), std::move(body)));
  if (message->type() != arrow::ipc::MessageType::RECORD_BATCH) return NotRows("its metadata is of another kind");
  if (message->body_length() > message->body()->size()) return NotRows("its body is cut");
  ARROW_ASSIGN_OR_RAISE(auto batch, arrow::ipc::ReadRecordBatch(*message, schema, nullptr, options));
  ARROW_RETURN_NOT_OK(batch->ValidateFull());
  return batch;
}

}  // namespace

arrow::Status CheckWireSchema(const arrow::Schema& schema) {
  for (const auto& field : schema.fields()) {
    const bool fine = IsDictionary(*field)
                          ? HasWireDictionary(checked_cast<const arrow::DictionaryType&>(*field->type()))
                          : !HoldsDictionary(*field->type());
    if (!fine) {
      return data::SchemaError("shuffle: column '" + field->name() + "' of type " + field->type()->ToString() +
                               " cannot be sent to another worker: a dictionary there must be the column's own type, "
                               "and hold strings, bytes or numbers. Cast the column to plain values.");
    }
  }
  if (schema.num_fields() + internal::kPlaceColumns >= kRows)
    return data::SchemaError("shuffle: a batch of more than 65,000 columns.");
  return arrow::Status::OK();
}

WireEncoder::WireEncoder(std::shared_ptr<arrow::Schema> schema, arrow::MemoryPool* pool)
    : schema_(std::move(schema)), pool_(pool) {
  dictionaries_.resize(static_cast<std::size_t>(schema_->num_fields()));
  for (std::size_t i = 0; i < dictionaries_.size(); ++i) {
    const auto& field = *schema_->field(static_cast<int>(i));
    if (IsDictionary(field)) {
      dictionaries_[i].emplace(std::static_pointer_cast<arrow::DictionaryType>(field.type()), pool);
    }
  }
}

struct WireEncoder::Section {  // What was appended so far.
  Encoded& encoded;
  uint16_t count = 0;
  WireWriter table = {};
};

arrow::Status WireEncoder::Append(uint16_t column, bool reset, const arrow::RecordBatch& batch,
                                  Section& sections) const {
  static const auto kPadding = arrow::Buffer::FromString(std::string(8, '\0'));
  auto options = arrow::ipc::IpcWriteOptions::Defaults();
  options.memory_pool = pool_;
  options.use_threads = false;
  arrow::ipc::IpcPayload payload;
  ARROW_RETURN_NOT_OK(arrow::ipc::GetRecordBatchPayload(batch, options, &payload));
  arrow::BufferVector& body = sections.encoded.body;
  for (auto& buffer : payload.body_buffers) {
    const int64_t size = buffer == nullptr ? 0 : buffer->size();
    if (size == 0) continue;
    body.push_back(std::move(buffer));
    const int64_t padding = arrow::bit_util::RoundUpToMultipleOf8(size) - size;
    if (padding > 0) body.push_back(arrow::SliceBuffer(kPadding, 0, padding));
  }
  sections.table.Put(column).Put(static_cast<uint8_t>(reset ? 1 : 0));
  sections.table.PutBytes({payload.metadata->data_as<char>(), static_cast<std::size_t>(payload.metadata->size())});
  sections.table.Put(payload.body_length);
  sections.encoded.body_bytes += payload.body_length;
  ++sections.count;
  return arrow::Status::OK();
}

arrow::Result<WireEncoder::Encoded> WireEncoder::Encode(const data::Frame& rows) {
  auto batch = rows.batch.rows;
  if (rows.selection) {
    ARROW_ASSIGN_OR_RAISE(batch, data::Gather(*batch, rows.selection->rows()));
  }
  Encoded encoded;
  Section sections{.encoded = encoded};
  auto columns = batch->columns();
  for (std::size_t i = 0; i < dictionaries_.size(); ++i) {
    if (!dictionaries_[i]) continue;
    const auto& column = checked_cast<const arrow::DictionaryArray&>(*columns[i]);
    ARROW_ASSIGN_OR_RAISE(columns[i], dictionaries_[i]->Map(column));
    ARROW_ASSIGN_OR_RAISE(const auto news, dictionaries_[i]->TakeNews());
    if (news.values == nullptr) continue;
    const auto schema = arrow::schema({arrow::field("", news.values->type())});
    const auto values = arrow::RecordBatch::Make(schema, news.values->length(), {news.values});
    ARROW_RETURN_NOT_OK(Append(static_cast<uint16_t>(i), news.reset, *values, sections));
  }
  encoded.has_places = rows.batch.places.rows() > 0;
  if (encoded.has_places) {
    ARROW_ASSIGN_OR_RAISE(const auto places, internal::PlaceColumns(rows, pool_));
    columns.insert(columns.end(), places.begin(), places.end());
  }
  const auto wire = arrow::RecordBatch::Make(WireSchema(*schema_, encoded.has_places), batch->num_rows(), columns);
  ARROW_RETURN_NOT_OK(Append(kRows, false, *wire, sections));
  encoded.more = WireWriter().PutPlace(rows.frontier).Put(sections.count).Take() + sections.table.bytes();
  return encoded;
}

void WireEncoder::Keep() {
  for (auto& dictionary : dictionaries_) {
    if (dictionary) dictionary->Keep();
  }
}

void WireEncoder::Undo() {
  for (auto& dictionary : dictionaries_) {
    if (dictionary) dictionary->Undo();
  }
}

WireDecoder::WireDecoder(std::shared_ptr<arrow::Schema> schema, arrow::MemoryPool* pool)
    : schema_(std::move(schema)),
      wire_schema_(WireSchema(*schema_, false)),
      wire_schema_places_(WireSchema(*schema_, true)),
      pool_(pool),
      dictionaries_(static_cast<std::size_t>(schema_->num_fields())) {}

arrow::Result<data::Frame> WireDecoder::Decode(std::string_view more, const std::shared_ptr<arrow::Buffer>& body,
                                               bool has_places, int64_t rows) {
  WireReader reader(more);
  const data::Place frontier = reader.GetPlace();
  const auto sections = reader.Get<uint16_t>();
  int64_t position = 0;
  std::shared_ptr<arrow::RecordBatch> wire;
  for (uint16_t i = 0; i < sections; ++i) {
    const auto column = reader.Get<uint16_t>();
    const bool reset = reader.Get<uint8_t>() != 0;
    const std::string_view metadata = reader.GetBytes();
    const auto bytes = reader.Get<int64_t>();
    if (!reader.ok() || bytes < 0 || bytes > body->size() - position) return NotRows("its parts are not its body's");
    auto part = arrow::SliceBuffer(body, position, bytes);
    position += bytes;
    if (column == kRows) {
      ARROW_ASSIGN_OR_RAISE(
          wire, ReadBody(metadata, std::move(part), has_places ? wire_schema_places_ : wire_schema_, pool_));
      continue;
    }
    if (column >= schema_->num_fields() || !IsDictionary(*schema_->field(column))) {
      return NotRows("it has a dictionary for column " + std::to_string(column));
    }
    const auto& type = checked_cast<const arrow::DictionaryType&>(*schema_->field(column)->type());
    ARROW_ASSIGN_OR_RAISE(const auto values, ReadBody(metadata, std::move(part),
                                                      arrow::schema({arrow::field("", type.value_type())}), pool_));
    auto& dictionary = dictionaries_[column];
    if (dictionary == nullptr || reset) {  // Copied, since the body is counted with the rows and goes with them.
      ARROW_ASSIGN_OR_RAISE(dictionary, values->column(0)->CopyTo(arrow::default_cpu_memory_manager()));
    } else {
      ARROW_ASSIGN_OR_RAISE(dictionary, arrow::Concatenate({dictionary, values->column(0)}));
    }
  }
  if (!reader.ok() || !reader.rest().empty() || wire == nullptr) return NotRows("its parts are cut or continued");
  if (wire->num_rows() != rows) {
    return NotRows("it says " + std::to_string(rows) + " rows and has " + std::to_string(wire->num_rows()));
  }

  data::Frame frame = data::Frame::Rows({}, frontier);
  if (has_places) {
    ARROW_ASSIGN_OR_RAISE(frame.batch.places, internal::PlacesOf(*wire));
  }
  auto columns = wire->columns();
  columns.resize(dictionaries_.size());
  for (std::size_t i = 0; i < columns.size(); ++i) {
    const auto& field = *schema_->field(static_cast<int>(i));
    if (!IsDictionary(field)) continue;
    const auto& type = checked_cast<const arrow::DictionaryType&>(*field.type());
    if (dictionaries_[i] == nullptr) {
      ARROW_ASSIGN_OR_RAISE(dictionaries_[i], arrow::MakeEmptyArray(type.value_type()));
    }
    ARROW_ASSIGN_OR_RAISE(columns[i],  // Checks the indices.
                          arrow::DictionaryArray::FromArrays(field.type(), columns[i], dictionaries_[i]));
  }
  frame.batch.rows = arrow::RecordBatch::Make(schema_, rows, std::move(columns));
  return frame;
}

}  // namespace sabot::shuffle
