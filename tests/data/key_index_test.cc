#include "sabot/data/key_index.h"

#include <arrow/array.h>
#include <arrow/array/concatenate.h>
#include <arrow/builder.h>
#include <arrow/type_traits.h>
#include <arrow/util/logging.h>
#include <gtest/gtest.h>

#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "sabot/data/errors.h"

namespace sabot::data {
namespace {

using Strings = std::vector<std::optional<std::string>>;
using Ints = std::vector<std::optional<int64_t>>;
using ArrayPtr = std::shared_ptr<arrow::Array>;
using BatchPtr = std::shared_ptr<arrow::RecordBatch>;

// --- Making arrays. ---

template <class Builder, class Values, class Convert>
ArrayPtr Build(const Values& values, Convert convert) {
  Builder builder;
  for (const auto& value : values) {
    ARROW_CHECK_OK(value.has_value() ? builder.Append(convert(*value)) : builder.AppendNull());
  }
  return builder.Finish().ValueOrDie();
}

template <class Builder = arrow::StringBuilder>
ArrayPtr OfStrings(const Strings& values) {
  return Build<Builder>(values, [](const std::string& value) { return value; });
}

template <class Type = arrow::Int64Type>
ArrayPtr OfInts(const Ints& values) {
  return Build<typename arrow::TypeTraits<Type>::BuilderType>(
      values, [](int64_t value) { return static_cast<typename Type::c_type>(value); });
}

template <class Index = arrow::Int32Type>
ArrayPtr OfDictionary(const Ints& indices, const ArrayPtr& dictionary) {
  return std::make_shared<arrow::DictionaryArray>(
      arrow::dictionary(arrow::TypeTraits<Index>::type_singleton(), dictionary->type()), OfInts<Index>(indices),
      dictionary);
}

BatchPtr BatchOf(const arrow::ArrayVector& columns) {
  arrow::FieldVector fields;
  for (std::size_t at = 0; at < columns.size(); ++at) {
    fields.push_back(arrow::field("key" + std::to_string(at), columns[at]->type()));
  }
  return arrow::RecordBatch::Make(arrow::schema(fields), columns[0]->length(), columns);
}

// --- Resolving them. ---

constexpr int32_t kNoKey = -1;

// Slots of rows [begin, begin + rows), kNoKey where there is none.
arrow::Result<std::vector<int32_t>> TryResolve(KeyIndex& index, const arrow::RecordBatch& batch, int64_t begin,
                                               int64_t rows) {
  std::vector<int32_t> slots(static_cast<std::size_t>(rows), 77);
  std::vector<uint64_t> has_key(static_cast<std::size_t>((rows + 63) / 64), 0x5555555555555555);
  Slots out{.slots = slots, .has_key = has_key};
  ARROW_RETURN_NOT_OK(index.Resolve(batch, begin, out));
  bool all_have_key = true;
  for (std::size_t row = 0; row < has_key.size() * 64; ++row) {
    const bool has = (has_key[row / 64] >> (row % 64) & 1) != 0;
    if (row >= slots.size()) {
      EXPECT_FALSE(has) << "a bit beyond the rows is set";
    } else if (!has) {
      EXPECT_EQ(slots[row], 0);
      slots[row] = kNoKey;
      all_have_key = false;
    }
  }
  EXPECT_EQ(out.all_have_key, all_have_key);
  return slots;
}

std::vector<int32_t> Resolve(KeyIndex& index, const BatchPtr& batch) {
  return TryResolve(index, *batch, 0, batch->num_rows()).ValueOrDie();
}

KeyIndex IndexOf(const BatchPtr& batch) {
  return KeyIndex::Make(*batch->schema(), batch->schema()->field_names()).ValueOrDie();
}

std::vector<int32_t> Resolve(const arrow::ArrayVector& columns) {
  const BatchPtr batch = BatchOf(columns);
  KeyIndex index = IndexOf(batch);
  return Resolve(index, batch);
}

void ExpectError(const arrow::Status& status, ErrorKind kind, const std::string& message) {
  EXPECT_EQ(KindOf(status), kind);
  EXPECT_EQ(status.message(), message);
}

// --- Wrong use. ---

TEST(KeyIndex, NamesColumnsLikeTheMissingOne) {
  const auto schema = arrow::schema({arrow::field("symbol", arrow::utf8()), arrow::field("price", arrow::float64())});
  ExpectError(KeyIndex::Make(*schema, {"symbl"}).status(), ErrorKind::kSchema,
              "key column 'symbl' is missing. Nearest names: 'symbol'.");
}

TEST(KeyIndex, RefusesATypeThatIsNoKey) {
  const auto schema = arrow::schema({arrow::field("price", arrow::float64()),
                                     arrow::field("rate", arrow::dictionary(arrow::int8(), arrow::float64())),
                                     arrow::field("nothing", arrow::null())});
  ExpectError(
      KeyIndex::Make(*schema, {"price"}).status(), ErrorKind::kSchema,
      "key column 'price' has type double; a key is utf8, large_utf8, utf8_view, an integer, or a dictionary of "
      "these. Cast it at its source.");
  EXPECT_EQ(KindOf(KeyIndex::Make(*schema, {"rate"}).status()), ErrorKind::kSchema);
  EXPECT_EQ(KindOf(KeyIndex::Make(*schema, {"nothing"}).status()), ErrorKind::kSchema);
}

TEST(KeyIndex, RefusesAnAmbiguousName) {
  const auto schema = arrow::schema({arrow::field("symbol", arrow::utf8()), arrow::field("symbol", arrow::utf8())});
  ExpectError(KeyIndex::Make(*schema, {"symbol"}).status(), ErrorKind::kSchema,
              "key column 'symbol' exists 2 times. Rename all but one of them.");
}

TEST(KeyIndex, RefusesNoColumnAndTheSameTwice) {
  const auto schema = arrow::schema({arrow::field("symbol", arrow::utf8())});
  ExpectError(KeyIndex::Make(*schema, {}).status(), ErrorKind::kOption,
              "no key column is given. Name at least one, for example 'symbol'.");
  ExpectError(KeyIndex::Make(*schema, {"symbol", "symbol"}).status(), ErrorKind::kOption,
              "key column 'symbol' is given twice. Name each key column once.");
}

TEST(KeyIndex, RefusesABatchOfAnotherSchema) {
  KeyIndex index = IndexOf(BatchOf({OfStrings({"A"})}));
  ExpectError(TryResolve(index, *BatchOf({OfInts({1})}), 0, 1).status(), ErrorKind::kSchema,
              "key column 'key0': a batch has another schema than the stream it belongs to.");
}

template <class Index>
class KeyIndexOfDictionary : public testing::Test {};
using IndexTypes = testing::Types<arrow::Int8Type, arrow::Int16Type, arrow::Int32Type, arrow::Int64Type,
                                  arrow::UInt8Type, arrow::UInt16Type, arrow::UInt32Type, arrow::UInt64Type>;
TYPED_TEST_SUITE(KeyIndexOfDictionary, IndexTypes);

TYPED_TEST(KeyIndexOfDictionary, RefusesAnIndexOutsideItsDictionary) {
  const ArrayPtr dictionary = OfStrings({"A", "B"});
  for (const bool with_null : {false, true}) {
    const BatchPtr batch =
        BatchOf({OfDictionary<TypeParam>({1, with_null ? std::optional<int64_t>() : 0, 2, 0}, dictionary)});
    KeyIndex index = IndexOf(batch);
    ExpectError(TryResolve(index, *batch, 0, 4).status(), ErrorKind::kData,
                "key column 'key0', row 2: dictionary index 2 lies outside its dictionary of 2 entries. Validate the "
                "batch where it is made.");
  }
}

template <class Index>
class KeyIndexOfSignedDictionary : public testing::Test {};
using SignedTypes = testing::Types<arrow::Int8Type, arrow::Int16Type, arrow::Int32Type, arrow::Int64Type>;
TYPED_TEST_SUITE(KeyIndexOfSignedDictionary, SignedTypes);

TYPED_TEST(KeyIndexOfSignedDictionary, RefusesANegativeIndex) {
  const Strings entries(300, "A");  // More than a byte could mean.
  const BatchPtr batch = BatchOf({OfDictionary<TypeParam>({0, -1}, OfStrings(entries))});
  KeyIndex index = IndexOf(batch);
  EXPECT_EQ(KindOf(TryResolve(index, *batch, 0, 2).status()), ErrorKind::kData);
}

TYPED_TEST(KeyIndexOfDictionary, GivesSlotsByFirstAppearanceOfTheValue) {
  const ArrayPtr dictionary = OfStrings({"unused", "C", "B", "A", "B"});
  EXPECT_EQ(Resolve({OfDictionary<TypeParam>({3, 2, std::nullopt, 4, 1, 3}, dictionary)}),
            (std::vector<int32_t>{0, 1, kNoKey, 1, 2, 0}));
}

TYPED_TEST(KeyIndexOfDictionary, IgnoresIndicesOfNullRows) {
  using Value = typename TypeParam::c_type;
  std::vector<Value> indices(200, std::numeric_limits<Value>::max());  // Outside of the dictionary,
  std::vector<uint8_t> validity(25, 0);
  for (std::size_t row = 0; row < 200; row += 3) {  // but for every third row.
    indices[row] = static_cast<Value>(row % 2);
    validity[row / 8] = static_cast<uint8_t>(validity[row / 8] | 1 << (row % 8));
  }
  const auto data =
      arrow::ArrayData::Make(arrow::dictionary(arrow::TypeTraits<TypeParam>::type_singleton(), arrow::utf8()), 200,
                             {arrow::Buffer::Wrap(validity), arrow::Buffer::Wrap(indices)});
  data->dictionary = OfStrings({"A", "B"})->data();
  const BatchPtr batch = BatchOf({arrow::MakeArray(data)});
  KeyIndex index = IndexOf(batch);
  for (int round = 0; round < 2; ++round) {  // With unknown entries, and with known ones.
    const std::vector<int32_t> slots = Resolve(index, batch);
    for (std::size_t row = 0; row < 200; ++row)
      ASSERT_EQ(slots[row], row % 3 != 0 ? kNoKey : static_cast<int32_t>(row % 2));
  }
}

TEST(KeyIndex, RefusesKeysOfAnotherShape) {
  KeyIndex index = IndexOf(BatchOf({OfStrings({"A"}), OfInts({1})}));
  std::vector<int32_t> slots;
  ExpectError(index.Insert({OfStrings({"A"})}, slots), ErrorKind::kSnapshot,
              "snapshot has 1 key columns, this job has 2. Restore it into the job that wrote it.");
  ExpectError(
      index.Insert({OfInts({1}), OfInts({1})}, slots), ErrorKind::kSnapshot,
      "key column 'key0' of the snapshot has type int64, this job's keys have type string. Restore it into a job "
      "with the same key types.");
  ExpectError(index.Insert({OfStrings({"A", "B"}), OfInts({1})}, slots), ErrorKind::kSnapshot,
              "key column 'key1' of the snapshot has 1 rows, the first key column has 2. The snapshot is damaged; use "
              "another one.");
  ExpectError(
      index.Insert({OfStrings({"A"}), OfInts({std::nullopt})}, slots), ErrorKind::kSnapshot,
      "key column 'key1' of the snapshot holds 1 nulls, though a key is never null. The snapshot is damaged; use "
      "another one.");
  EXPECT_EQ(index.size(), 0);
}

// --- Edges. ---

TEST(KeyIndex, EmptyBatchesGiveNothing) {
  for (const BatchPtr& batch :
       {BatchOf({OfStrings({})}), BatchOf({OfInts({})}), BatchOf({OfDictionary({}, OfStrings({}))}),
        BatchOf({OfStrings<arrow::StringViewBuilder>({})}), BatchOf({OfStrings({}), OfInts({})})}) {
    KeyIndex index = IndexOf(batch);
    EXPECT_EQ(Resolve(index, batch), std::vector<int32_t>{});
    EXPECT_EQ(index.size(), 0);
    ASSERT_TRUE(index.Keys().ok());
    EXPECT_EQ(index.Keys()->front()->length(), 0);
  }
}

TEST(KeyIndex, TheEmptyStringIsAKey) {
  EXPECT_EQ(Resolve({OfStrings({"", std::nullopt, "", "A"})}), (std::vector<int32_t>{0, kNoKey, 0, 1}));
  EXPECT_EQ(Resolve({OfStrings({""})}), std::vector<int32_t>{0});  // A column without a single byte.
}

TEST(KeyIndex, ZeroBytesCount) {
  using namespace std::string_literals;
  EXPECT_EQ(Resolve({OfStrings({"A"s, "A\0"s, "A\0\0"s, "\0"s, ""s, "A\0"s})}),
            (std::vector<int32_t>{0, 1, 2, 3, 4, 1}));
}

TEST(KeyIndex, StringsOfEveryLengthAreTold) {
  Strings values;
  for (std::size_t length = 0; length <= 40; ++length) {
    values.emplace_back(std::string(length, 'a'));
    for (std::size_t at = 0; at < length; ++at) {  // One letter differs.
      values.emplace_back(std::string(length, 'a'));
      (*values.back())[at] = 'b';
    }
  }
  std::vector<int32_t> expected(values.size());
  for (std::size_t at = 0; at < values.size(); ++at) expected[at] = static_cast<int32_t>(at);
  EXPECT_EQ(Resolve({OfStrings(values)}), expected);
  EXPECT_EQ(Resolve({OfStrings<arrow::LargeStringBuilder>(values)}), expected);
  EXPECT_EQ(Resolve({OfStrings<arrow::StringViewBuilder>(values)}), expected);
}

TEST(KeyIndex, DictionariesOfNothingButNullsHaveNoKeys) {
  EXPECT_EQ(Resolve({OfDictionary({0, std::nullopt, 1}, std::make_shared<arrow::NullArray>(2))}),
            (std::vector<int32_t>{kNoKey, kNoKey, kNoKey}));
  EXPECT_EQ(Resolve({OfDictionary({std::nullopt, std::nullopt}, OfStrings({}))}),
            (std::vector<int32_t>{kNoKey, kNoKey}));
}

TEST(KeyIndex, ANullEntryIsNoKey) {
  EXPECT_EQ(Resolve({OfDictionary({0, 1, 2, 1}, OfStrings({"A", std::nullopt, "B"}))}),
            (std::vector<int32_t>{0, kNoKey, 1, kNoKey}));
}

TEST(KeyIndex, ASlicedDictionaryIsReadFromItsOffset) {
  const ArrayPtr dictionary = OfStrings({"X", "X", std::nullopt, "A", "B"})->Slice(2);
  const BatchPtr batch = BatchOf({OfDictionary({1, 2, 0, 1}, dictionary)});
  KeyIndex index = IndexOf(batch);
  EXPECT_EQ(Resolve(index, batch), (std::vector<int32_t>{0, 1, kNoKey, 0}));
  EXPECT_TRUE(index.Keys()->front()->Equals(OfStrings({"A", "B"})));
}

TEST(KeyIndex, TheSameValueUnderAnyDictionaryHasOneSlot) {
  const BatchPtr first = BatchOf({OfDictionary({0, 1}, OfStrings({"A", "B"}))});
  KeyIndex index = IndexOf(first);
  EXPECT_EQ(Resolve(index, first), (std::vector<int32_t>{0, 1}));
  for (int round = 0; round < 3; ++round) {  // More dictionaries than are remembered, in turn.
    EXPECT_EQ(Resolve(index, BatchOf({OfDictionary({0, 1}, OfStrings({"B", "A"}))})), (std::vector<int32_t>{1, 0}));
    for (int other = 0; other < 6; ++other) {
      EXPECT_EQ(Resolve(index, BatchOf({OfDictionary({1, 0}, OfStrings({"A", "N" + std::to_string(other)}))})),
                (std::vector<int32_t>{other + 2, 0}));
    }
    EXPECT_EQ(Resolve(index, first), (std::vector<int32_t>{0, 1}));
  }
}

// --- Values. ---

TEST(KeyIndex, EveryStringTypeGivesTheSameSlots) {
  const Strings values = {"ESZ5", std::nullopt,       "a symbol longer than sixteen bytes", "ESZ5",
                          "",     "sixteen bytes ok", "a symbol longer than sixteen bytes", "CL"};
  const std::vector<int32_t> expected = {0, kNoKey, 1, 0, 2, 3, 1, 4};
  const Ints indices = {0, std::nullopt, 1, 0, 2, 3, 1, 4};
  const Strings entries = {"ESZ5", "a symbol longer than sixteen bytes", "", "sixteen bytes ok", "CL"};
  EXPECT_EQ(Resolve({OfStrings(values)}), expected);
  EXPECT_EQ(Resolve({OfStrings<arrow::LargeStringBuilder>(values)}), expected);
  EXPECT_EQ(Resolve({OfStrings<arrow::StringViewBuilder>(values)}), expected);
  EXPECT_EQ(Resolve({OfDictionary(indices, OfStrings(entries))}), expected);
  EXPECT_EQ(Resolve({OfDictionary(indices, OfStrings<arrow::LargeStringBuilder>(entries))}), expected);
  EXPECT_EQ(Resolve({OfDictionary(indices, OfStrings<arrow::StringViewBuilder>(entries))}), expected);
}

template <class Type>
class KeyIndexOfIntegers : public testing::Test {};
TYPED_TEST_SUITE(KeyIndexOfIntegers, IndexTypes);

TYPED_TEST(KeyIndexOfIntegers, GiveTheSameSlotsAndTheirValuesBack) {
  using Value = typename TypeParam::c_type;
  const auto low = static_cast<int64_t>(std::numeric_limits<Value>::min());
  const auto high = static_cast<int64_t>(std::numeric_limits<Value>::max());  // -1 for uint64: its highest value.
  const Ints values = {high, 7, std::nullopt, low, 7, high, 0};
  const std::vector<int32_t> expected = {0, 1, kNoKey, 2, 1, 0, low == 0 ? 2 : 3};
  const BatchPtr batch = BatchOf({OfInts<TypeParam>(values)});
  KeyIndex index = IndexOf(batch);
  EXPECT_EQ(Resolve(index, batch), expected);
  Ints distinct = {high, 7, low};
  if (low != 0) distinct.push_back(0);
  EXPECT_TRUE(index.Keys()->front()->Equals(std::is_signed_v<Value> ? OfInts<arrow::Int64Type>(distinct)
                                                                    : OfInts<arrow::UInt64Type>(distinct)));

  Ints entries = distinct;
  entries.insert(entries.begin(), 99);
  EXPECT_EQ(Resolve({OfDictionary({1, 2, std::nullopt, 3, 2, 1, low == 0 ? 3 : 4}, OfInts<TypeParam>(entries))}),
            expected);
}

TEST(KeyIndex, SeveralColumnsAreOneKey) {
  const ArrayPtr symbols = OfStrings({"A", "B", "A", std::nullopt, "A", "B", "A"});
  const ArrayPtr venues = OfDictionary({0, 0, 1, 0, std::nullopt, 0, 1}, OfStrings({"X", "Y"}));
  EXPECT_EQ(Resolve({symbols, venues}), (std::vector<int32_t>{0, 1, 2, kNoKey, kNoKey, 1, 2}));

  const BatchPtr batch = BatchOf({symbols, venues, OfInts<arrow::UInt8Type>({1, 1, 1, 1, 1, 2, 1})});
  KeyIndex index = IndexOf(batch);
  EXPECT_EQ(Resolve(index, batch), (std::vector<int32_t>{0, 1, 2, kNoKey, kNoKey, 3, 2}));
  const arrow::ArrayVector keys = index.Keys().ValueOrDie();
  ASSERT_EQ(keys.size(), 3U);
  EXPECT_TRUE(keys[0]->Equals(OfStrings({"A", "B", "A", "B"})));
  EXPECT_TRUE(keys[1]->Equals(OfStrings({"X", "X", "Y", "X"})));
  EXPECT_TRUE(keys[2]->Equals(OfInts<arrow::UInt64Type>({1, 1, 1, 2})));
}

TEST(KeyIndex, KeyFieldsNameTypesThatKeysHave) {
  const auto schema = arrow::schema({arrow::field("symbol", arrow::dictionary(arrow::int8(), arrow::large_utf8())),
                                     arrow::field("leg", arrow::int16()), arrow::field("account", arrow::uint32())});
  const KeyIndex index = KeyIndex::Make(*schema, {"account", "symbol", "leg"}).ValueOrDie();
  const arrow::FieldVector fields = index.KeyFields();
  ASSERT_EQ(fields.size(), 3U);
  EXPECT_TRUE(fields[0]->Equals(*arrow::field("account", arrow::uint64(), false)));
  EXPECT_TRUE(fields[1]->Equals(*arrow::field("symbol", arrow::utf8(), false)));
  EXPECT_TRUE(fields[2]->Equals(*arrow::field("leg", arrow::int64(), false)));
  EXPECT_EQ(index.by(), (std::vector<std::string>{"account", "symbol", "leg"}));
}

TEST(KeyIndex, InsertedKeysKeepTheirSlots) {
  const BatchPtr batch =
      BatchOf({OfStrings({"A", "B", "a symbol longer than sixteen bytes", "A"}), OfInts({1, -2, 3, 4})});
  KeyIndex before = IndexOf(batch);
  const std::vector<int32_t> slots = Resolve(before, batch);
  const arrow::ArrayVector keys = before.Keys().ValueOrDie();

  KeyIndex after = IndexOf(batch);
  std::vector<int32_t> inserted;
  ASSERT_TRUE(after.Insert(keys, inserted).ok());
  EXPECT_EQ(inserted, (std::vector<int32_t>{0, 1, 2, 3}));
  EXPECT_EQ(Resolve(after, batch), slots);
  EXPECT_EQ(after.size(), 4);

  ASSERT_TRUE(after.Insert({keys[0]->Slice(2), keys[1]->Slice(2)}, inserted).ok());  // Again, and from an offset.
  EXPECT_EQ(inserted, (std::vector<int32_t>{2, 3}));
  ASSERT_TRUE(after.Insert({OfStrings({}), OfInts({})}, inserted).ok());
  EXPECT_TRUE(inserted.empty());
}

TEST(KeyIndex, MovesWithItsKeys) {
  const BatchPtr batch = BatchOf({OfStrings({"A", "B"})});
  KeyIndex index = IndexOf(batch);
  Resolve(index, batch);
  KeyIndex moved = std::move(index);
  EXPECT_EQ(moved.size(), 2);
  EXPECT_EQ(Resolve(moved, BatchOf({OfStrings({"C", "B"})})), (std::vector<int32_t>{2, 1}));
}

// Random keys of all kinds, in random cuts of random slices, against std::map.
class KeyIndexAtRandom : public testing::TestWithParam<uint64_t> {};

TEST_P(KeyIndexAtRandom, AgreesWithAMap) {
  std::mt19937_64 random(GetParam());
  const auto below = [&random](uint64_t bound) { return static_cast<int64_t>(random() % bound); };

  const int64_t rows = below(9'000);
  const auto distinct = static_cast<uint64_t>(1 + below(4'000));
  const uint64_t nulls_in_16 = GetParam() % 3 == 0 ? 0 : static_cast<uint64_t>(below(17));
  Strings entries;
  for (uint64_t entry = 0; entry < distinct; ++entry) {
    entries.emplace_back(std::string(static_cast<std::size_t>(below(30)), 'x') + std::to_string(below(distinct)));
    if (below(50) == 0) entries.back().reset();
  }
  Ints indices;
  Strings values;
  Ints numbers;
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t index = below(distinct);
    const bool null = static_cast<uint64_t>(below(16)) < nulls_in_16;
    indices.push_back(null ? std::nullopt : std::optional(index));
    values.push_back(null ? std::nullopt : entries[static_cast<std::size_t>(index)]);
    numbers.push_back(below(20) == 0 ? std::nullopt : std::optional(below(6) - 3));
  }

  std::map<std::pair<std::string, int64_t>, int32_t> pairs;
  std::map<std::string, int32_t> strings;
  std::vector<int32_t> expected;
  std::vector<int32_t> expected_pairs;
  for (std::size_t row = 0; row < values.size(); ++row) {
    expected.push_back(
        values[row] ? strings.try_emplace(*values[row], static_cast<int32_t>(strings.size())).first->second : kNoKey);
    expected_pairs.push_back(
        values[row] && numbers[row]
            ? pairs.try_emplace({*values[row], *numbers[row]}, static_cast<int32_t>(pairs.size())).first->second
            : kNoKey);
  }

  // Resolves in cuts; every batch is a slice of a longer one, and is itself resolved in parts.
  const auto in_cuts = [&](const arrow::ArrayVector& columns) {
    const BatchPtr all = BatchOf(columns);
    KeyIndex index = IndexOf(all);
    std::vector<int32_t> slots;
    for (int64_t at = 0; at < rows;) {
      const BatchPtr batch = all->Slice(at, 1 + below(3'000));
      for (int64_t begin = 0; begin < batch->num_rows();) {
        const int64_t part = std::min(batch->num_rows() - begin, 1 + below(2'500));
        const std::vector<int32_t> resolved = TryResolve(index, *batch, begin, part).ValueOrDie();
        slots.insert(slots.end(), resolved.begin(), resolved.end());
        begin += part;
      }
      at += batch->num_rows();
    }
    const arrow::ArrayVector keys = index.Keys().ValueOrDie();
    EXPECT_EQ(keys[0]->length(), index.size());
    return slots;
  };

  EXPECT_EQ(in_cuts({OfStrings(values)}), expected);
  EXPECT_EQ(in_cuts({OfStrings<arrow::LargeStringBuilder>(values)}), expected);
  EXPECT_EQ(in_cuts({OfStrings<arrow::StringViewBuilder>(values)}), expected);
  EXPECT_EQ(in_cuts({OfDictionary<arrow::Int16Type>(indices, OfStrings(entries))}), expected);
  EXPECT_EQ(in_cuts({OfDictionary<arrow::UInt32Type>(indices, OfStrings<arrow::StringViewBuilder>(entries))}),
            expected);
  EXPECT_EQ(in_cuts({OfStrings(values), OfInts<arrow::Int8Type>(numbers)}), expected_pairs);
  EXPECT_EQ(in_cuts({OfDictionary(indices, OfStrings(entries)), OfInts(numbers)}), expected_pairs);
}

INSTANTIATE_TEST_SUITE_P(Seeds, KeyIndexAtRandom, testing::Range(uint64_t{0}, uint64_t{24}));

}  // namespace
}  // namespace sabot::data
