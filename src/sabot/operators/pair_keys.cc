#include <arrow/array.h>
#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/util/bit_util.h>

#include <bit>
#include <charconv>
#include <concepts>
#include <cstring>
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

arrow::Result<std::shared_ptr<arrow::ArrayData>> DictionaryOf(const std::string& symbol) {
  arrow::StringBuilder builder;
  ARROW_RETURN_NOT_OK(builder.Append(symbol));
  ARROW_ASSIGN_OR_RAISE(const auto array, builder.Finish());
  return array->data();
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
  ARROW_ASSIGN_OR_RAISE(made.a_, DictionaryOf(pair.a));
  ARROW_ASSIGN_OR_RAISE(made.b_, DictionaryOf(pair.b));
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

arrow::Result<PairKeys::Rows> PairKeys::Of(const arrow::RecordBatch& batch) {
  if (symbols_.front().size() > kSymbolsMost) {
    ARROW_ASSIGN_OR_RAISE(symbols_.front(), FreshSymbols());
  }
  const int64_t rows = batch.num_rows(), words = (rows + 63) / 64;
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> of_pair, arrow::AllocateBuffer(words * 8));
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> legs, arrow::AllocateBuffer(rows));
  ARROW_ASSIGN_OR_RAISE(std::shared_ptr<arrow::Buffer> zeros, arrow::AllocateBuffer(rows));
  std::memset(zeros->mutable_data(), 0, static_cast<std::size_t>(rows));
  const std::span bits(reinterpret_cast<uint64_t*>(of_pair->mutable_data()), static_cast<std::size_t>(words));
  slots_.resize(static_cast<std::size_t>(rows));
  data::Slots slots{.slots = slots_, .has_key = bits};
  ARROW_RETURN_NOT_OK(symbols_.front().Resolve(batch, 0, slots));
  auto* const leg = reinterpret_cast<int8_t*>(legs->mutable_data());
  int64_t found = 0;
  for (int64_t base = 0; base < rows; base += 64) {
    uint64_t ours = 0;
    const int64_t count = std::min<int64_t>(64, rows - base);
    for (int64_t row = 0; row < count; ++row) {
      const int32_t slot = slots_[static_cast<std::size_t>(base + row)];
      ours |= uint64_t{slot < 2} << row;
      leg[base + row] = static_cast<int8_t>(slot == 1);
    }
    ours &= bits[static_cast<std::size_t>(base / 64)];
    bits[static_cast<std::size_t>(base / 64)] = ours;
    found += std::popcount(ours);
  }
  const auto column = [&](const std::shared_ptr<arrow::ArrayData>& symbol) {
    auto indices = arrow::ArrayData::Make(KeySchema()->field(0)->type(), rows,
                                          {found == rows ? nullptr : of_pair, zeros}, rows - found);
    indices->dictionary = symbol;
    return indices;
  };
  return Rows{.keys = arrow::RecordBatch::Make(KeySchema(), rows, {column(a_), column(b_)}), .legs = std::move(legs)};
}

}  // namespace sabot::operators
