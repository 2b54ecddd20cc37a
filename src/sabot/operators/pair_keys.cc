#include <arrow/array.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/array/util.h>
#include <arrow/scalar.h>

#include <algorithm>
#include <array>
#include <bit>
#include <charconv>
#include <concepts>
#include <utility>

#include "sabot/data/bitmap.h"
#include "sabot/data/errors.h"
#include "sabot/operators/kernel_chain_internal.h"
#include "sabot/operators/pair_keys_internal.h"

namespace sabot::operators {
namespace {

// Symbols of others are numbered too, as they come. Beyond so many the numbers begin anew.
constexpr int64_t kSymbolsMost = 65'536;

template <class Builder>
arrow::Result<std::shared_ptr<arrow::Array>> Both(const auto& a, const auto& b) {
  Builder builder;
  ARROW_RETURN_NOT_OK(builder.Append(a));
  ARROW_RETURN_NOT_OK(builder.Append(b));
  return builder.Finish();
}

template <std::integral Integer, class Builder>
arrow::Result<std::shared_ptr<arrow::Array>> Integers(const SymbolPair& pair, const std::string& by,
                                                      const arrow::DataType& type, const std::string& kernel) {
  const auto parse = [&](const std::string& text, const char* option) -> arrow::Result<Integer> {
    Integer number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error == std::errc{} && end == text.data() + text.size() && std::to_string(number) == text) return number;
    return data::OptionError(kernel + ": option '" + option + "' is " + Quoted(text) + ", but key column " +
                             Quoted(by) + " holds " + type.ToString() + ". Give one of its values, an integer.");
  };
  ARROW_ASSIGN_OR_RAISE(const Integer a, parse(pair.a, "symbol_a"));
  ARROW_ASSIGN_OR_RAISE(const Integer b, parse(pair.b, "symbol_b"));
  return Both<Builder>(a, b);
}

arrow::Result<std::shared_ptr<arrow::Array>> ArrayOf(const std::string& symbol) {
  arrow::StringBuilder builder;
  ARROW_RETURN_NOT_OK(builder.Append(symbol));
  return builder.Finish();
}

}  // namespace

const std::vector<std::string>& PairKeys::Columns() {
  static const std::vector<std::string> columns = {"symbol_a", "symbol_b"};
  return columns;
}

const std::shared_ptr<arrow::Schema>& PairKeys::KeySchema() {
  static const auto schema = [] {
    arrow::FieldVector fields;
    for (const auto& column : Columns()) {
      fields.push_back(arrow::field(column, arrow::dictionary(arrow::int8(), arrow::utf8())));
    }
    return arrow::schema(std::move(fields));
  }();
  return schema;
}

arrow::Result<PairKeys> PairKeys::Make(const arrow::Schema& schema, const std::string& by, SymbolPair pair,
                                       const std::string& kernel) {
  PairKeys made;
  made.schema_ = arrow::schema(schema.fields());
  made.by_ = {by};
  ARROW_ASSIGN_OR_RAISE(const auto index, data::KeyIndex::Make(schema, made.by_));
  const auto& key_type = *index.KeyFields().front()->type();
  const auto& type = *schema.GetFieldByName(by)->type();
  if (key_type.id() == arrow::Type::STRING) {
    ARROW_ASSIGN_OR_RAISE(made.pair_, Both<arrow::StringBuilder>(pair.a, pair.b));
  } else if (key_type.id() == arrow::Type::UINT64) {
    ARROW_ASSIGN_OR_RAISE(made.pair_, (Integers<uint64_t, arrow::UInt64Builder>(pair, by, type, kernel)));
  } else {
    ARROW_ASSIGN_OR_RAISE(made.pair_, (Integers<int64_t, arrow::Int64Builder>(pair, by, type, kernel)));
  }
  ARROW_ASSIGN_OR_RAISE(made.pair_key_[0], ArrayOf(pair.a));
  ARROW_ASSIGN_OR_RAISE(made.pair_key_[1], ArrayOf(pair.b));
  ARROW_ASSIGN_OR_RAISE(auto symbols, made.FreshSymbols());
  made.symbols_.push_back(std::move(symbols));
  return made;
}

arrow::Result<data::KeyIndex> PairKeys::FreshSymbols() const {
  ARROW_ASSIGN_OR_RAISE(auto symbols, data::KeyIndex::Make(*schema_, by_));
  std::vector<int32_t> slots;
  ARROW_RETURN_NOT_OK(symbols.Insert({pair_}, slots));
  return symbols;
}

arrow::Status PairKeys::Resolve(const arrow::RecordBatch& batch, int64_t begin, data::KeyIndex& keys, Rows& rows) {
  if (symbols_.front().size() > kSymbolsMost) {
    ARROW_ASSIGN_OR_RAISE(symbols_.front(), FreshSymbols());
  }
  const auto count = static_cast<int64_t>(rows.legs.size());
  symbol_slots_.resize(rows.legs.size());
  data::Slots symbols{.slots = symbol_slots_, .has_key = rows.has_key};
  ARROW_RETURN_NOT_OK(symbols_.front().Resolve(batch, begin, symbols));
  int64_t found = 0;
  for (int64_t base = 0; base < count; base += 64) {
    const int64_t length = std::min<int64_t>(64, count - base);
    const int32_t* const slots = symbol_slots_.data() + base;
    int8_t* const legs = rows.legs.data() + base;
    std::array<uint8_t, 64> ours{};
    for (int64_t row = 0; row < length; ++row) {
      legs[row] = static_cast<int8_t>(slots[row] == 1);
      ours[static_cast<std::size_t>(row)] = static_cast<uint8_t>(slots[row] < 2);
    }
    uint64_t& word = rows.has_key[static_cast<std::size_t>(base / 64)];
    word &= data::PackBytes(ours);
    found += std::popcount(word);
  }
  rows.all_have_key = found == count;
  if (found == 0 || keys.size() > 0) return arrow::Status::OK();
  std::vector<int32_t> slots;
  return keys.Insert({pair_key_[0], pair_key_[1]}, slots);
}

std::shared_ptr<arrow::RecordBatch> PairKeys::OfEveryRow(int64_t rows) const {
  const auto column = [&](const std::shared_ptr<arrow::Array>& symbol) {
    auto zeros = arrow::MakeArrayFromScalar(arrow::Int8Scalar(0), rows).ValueOrDie()->data();
    zeros->type = KeySchema()->field(0)->type();
    zeros->dictionary = symbol->data();
    return zeros;
  };
  return arrow::RecordBatch::Make(KeySchema(), rows, {column(pair_key_[0]), column(pair_key_[1])});
}

}  // namespace sabot::operators
