// The expected hashes are those of docs/reference/key-hash.md, computed by another implementation from the definition.
#include "sabot/data/key_hash.h"

#include <arrow/array.h>
#include <arrow/builder.h>
#include <arrow/compute/cast.h>
#include <arrow/compute/initialize.h>
#include <arrow/extension/uuid.h>
#include <arrow/json/from_string.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "sabot/data/errors.h"
#include "sabot/data/murmur3.h"

namespace sabot::data {
namespace {

using ArrayPtr = std::shared_ptr<arrow::Array>;
using Hashes = std::vector<uint32_t>;

constexpr uint32_t kNullHash = 1982413648;

ArrayPtr Of(const std::shared_ptr<arrow::DataType>& type, const std::string& json) {
  return arrow::json::ArrayFromJSONString(type, json).ValueOrDie();
}

ArrayPtr Dictionary(const std::shared_ptr<arrow::DataType>& index_type, const std::string& indices,
                    const ArrayPtr& values) {
  return std::make_shared<arrow::DictionaryArray>(arrow::dictionary(index_type, values->type()),
                                                  Of(index_type, indices), values);
}

std::shared_ptr<arrow::RecordBatch> BatchOf(const arrow::ArrayVector& columns) {
  arrow::FieldVector fields;
  for (std::size_t at = 0; at < columns.size(); ++at)
    fields.push_back(arrow::field("key" + std::to_string(at), columns[at]->type()));
  return arrow::RecordBatch::Make(arrow::schema(fields), columns[0]->length(), columns);
}

KeyHasher HasherOf(const arrow::RecordBatch& batch) {
  return KeyHasher::Make(*batch.schema(), batch.schema()->field_names()).ValueOrDie();
}

// Also checks that each hash is that of the row's bytes.
arrow::Result<Hashes> TryHash(KeyHasher& hasher, const arrow::RecordBatch& batch) {
  Hashes hashes(static_cast<std::size_t>(batch.num_rows()));
  ARROW_RETURN_NOT_OK(hasher.Hash(batch, hashes));
  for (int64_t row = 0; row < batch.num_rows(); ++row) {
    std::string bytes;
    ARROW_RETURN_NOT_OK(hasher.AppendBytes(batch, row, bytes));
    EXPECT_EQ(hashes[static_cast<std::size_t>(row)], murmur3::Hash(bytes)) << "row " << row;
  }
  return hashes;
}

Hashes Hash(const arrow::ArrayVector& columns) {
  const auto batch = BatchOf(columns);
  KeyHasher hasher = HasherOf(*batch);
  return TryHash(hasher, *batch).ValueOrDie();
}

void ExpectError(const arrow::Status& status, ErrorKind kind, const std::string& message) {
  EXPECT_EQ(KindOf(status), kind);
  EXPECT_EQ(status.message(), message);
}

class KeyHash : public testing::Test {
 protected:
  static void SetUpTestSuite() { ASSERT_TRUE(arrow::compute::Initialize().ok()); }  // For casts.
};

// --- Wrong use. ---

TEST_F(KeyHash, RefusesColumnsThatAreNoKey) {
  const auto schema = arrow::schema({arrow::field("book", arrow::list(arrow::float64())),
                                     arrow::field("quote", arrow::struct_({arrow::field("bid", arrow::float64())})),
                                     arrow::field("coded", arrow::dictionary(arrow::int8(), arrow::month_interval())),
                                     arrow::field("runs", arrow::run_end_encoded(arrow::int32(), arrow::utf8()))});
  ExpectError(KeyHasher::Make(*schema, {"book"}).status(), ErrorKind::kSchema,
              "key column 'book' has type list<item: double>; a key is text, binary, a number, a decimal, a boolean, a "
              "date, a time, a duration, or a dictionary of these. Cast it at its source, or take one of its parts.");
  for (const char* name : {"quote", "coded", "runs"})
    EXPECT_EQ(KindOf(KeyHasher::Make(*schema, {name}).status()), ErrorKind::kSchema) << name;
}

TEST_F(KeyHash, RefusesNamesThatDoNotFit) {
  const auto schema = arrow::schema({arrow::field("symbol", arrow::utf8()), arrow::field("twice", arrow::utf8()),
                                     arrow::field("twice", arrow::utf8())});
  ExpectError(KeyHasher::Make(*schema, {"symbl"}).status(), ErrorKind::kSchema,
              "key column 'symbl' is missing. Nearest names: 'symbol'.");
  ExpectError(KeyHasher::Make(*schema, {"twice"}).status(), ErrorKind::kSchema,
              "key column 'twice' exists 2 times. Rename all but one of them.");
  ExpectError(KeyHasher::Make(*schema, {}).status(), ErrorKind::kOption,
              "no key column is given. Name at least one, for example 'symbol'.");
  ExpectError(KeyHasher::Make(*schema, {"symbol", "symbol"}).status(), ErrorKind::kOption,
              "key column 'symbol' is given twice. Name each key column once.");
}

TEST_F(KeyHash, RefusesABatchOfAnotherSchema) {
  KeyHasher hasher = HasherOf(*BatchOf({Of(arrow::timestamp(arrow::TimeUnit::MICRO), "[1]")}));
  ExpectError(TryHash(hasher, *BatchOf({Of(arrow::timestamp(arrow::TimeUnit::NANO), "[1]")})).status(),
              ErrorKind::kSchema, "key column 'key0': a batch has another schema than the stream it belongs to.");
}

TEST_F(KeyHash, RefusesAnIndexOutsideItsDictionary) {
  const ArrayPtr values = Of(arrow::utf8(), R"(["A", "B"])");
  for (const auto& type : {arrow::int8(), arrow::int16(), arrow::int32(), arrow::int64(), arrow::uint8(),
                           arrow::uint16(), arrow::uint32(), arrow::uint64()}) {
    for (const bool alone : {true, false}) {
      const auto batch = BatchOf(arrow::ArrayVector(alone ? 1 : 2, Dictionary(type, "[1, null, 2, 0]", values)));
      KeyHasher hasher = HasherOf(*batch);
      ExpectError(TryHash(hasher, *batch).status(), ErrorKind::kData,
                  "key column 'key0', row 2: dictionary index 2 lies outside its dictionary of 2 entries. Validate the "
                  "batch where it is made.");
      const auto without_null = BatchOf({Dictionary(type, "[1, 0, 0, 2]", values)});
      KeyHasher other = HasherOf(*without_null);
      EXPECT_EQ(KindOf(TryHash(other, *without_null).status()), ErrorKind::kData);
    }
  }
  const auto negative = BatchOf({Dictionary(arrow::int8(), "[0, -1]", values)});
  KeyHasher hasher = HasherOf(*negative);
  EXPECT_EQ(KindOf(TryHash(hasher, *negative).status()), ErrorKind::kData);
}

// --- The algorithm. ---

TEST_F(KeyHash, MurmurFollowsThePublishedVectors) {
  using namespace std::string_view_literals;
  struct Vector {
    std::string_view bytes;
    uint32_t seed;
    uint32_t hash;
  };
  for (const auto& [bytes, seed, hash] : {Vector{""sv, 0, 0},
                                          {""sv, 1, 0x514E28B7},
                                          {""sv, 0xFFFFFFFF, 0x81F16F39},
                                          {"\xFF\xFF\xFF\xFF"sv, 0, 0x76293B50},
                                          {"!Ce\x87"sv, 0, 0xF55B516B},
                                          {"!Ce\x87"sv, 0x5082EDEE, 0x2362F9DE},
                                          {"!Ce"sv, 0, 0x7E4A8634},
                                          {"!C"sv, 0, 0xA0F7B07A},
                                          {"!"sv, 0, 0x72661CF4},
                                          {"\0\0\0\0"sv, 0, 0x2362F9DE},
                                          {"\0\0\0"sv, 0, 0x85F0B427},
                                          {"\0\0"sv, 0, 0x30F4C306},
                                          {"\0"sv, 0, 0x514E28B7},
                                          {"aaaa"sv, 0x9747B28C, 0x5A97808A},
                                          {"abc"sv, 0x9747B28C, 0xC84A62DD},
                                          {"Hello, world!"sv, 0x9747B28C, 0x24884CBA},
                                          {"The quick brown fox jumps over the lazy dog"sv, 0x9747B28C, 0x2FA826CD}}) {
    EXPECT_EQ(murmur3::Hash(bytes, seed), hash) << bytes;
  }
}

// The verification value of the algorithm's test suite: the hash of the hashes of 0, 01, 012, ..., each with its seed.
TEST_F(KeyHash, MurmurHasItsVerificationValue) {
  std::string keys;
  std::string hashes;
  for (uint32_t length = 0; length < 256; ++length) {
    const uint32_t hash = murmur3::Hash(keys, 256 - length);
    hashes.append(reinterpret_cast<const char*>(&hash), sizeof hash);
    keys += static_cast<char>(length);
  }
  EXPECT_EQ(murmur3::Hash(hashes), 0xB0F57EE3);
}

// --- Edges. ---

TEST_F(KeyHash, EmptyBatchesHashToNothing) {
  for (const auto& type : {arrow::utf8(), arrow::int64(), arrow::boolean(), arrow::null(), arrow::utf8_view(),
                           arrow::decimal128(10, 2), arrow::fixed_size_binary(3)}) {
    const ArrayPtr empty = arrow::MakeEmptyArray(type).ValueOrDie();
    EXPECT_EQ(Hash({empty}), Hashes{});
    EXPECT_EQ(Hash({empty, empty}), Hashes{});
  }
  EXPECT_EQ(Hash({Dictionary(arrow::int32(), "[]", Of(arrow::utf8(), "[]"))}), Hashes{});
}

TEST_F(KeyHash, NullIsAKeyOfEveryType) {
  for (const auto& type :
       {arrow::utf8(), arrow::large_binary(), arrow::utf8_view(), arrow::int8(), arrow::float64(), arrow::boolean(),
        arrow::date64(), arrow::decimal256(40, 3), arrow::fixed_size_binary(3), arrow::null(), arrow::float16()}) {
    const ArrayPtr nulls = arrow::MakeArrayOfNull(type, 3).ValueOrDie();
    EXPECT_EQ(Hash({nulls}), Hashes(3, kNullHash)) << type->ToString();
    EXPECT_EQ(Hash({nulls, nulls}), Hash({Of(arrow::null(), "[null, null, null]"), nulls})) << type->ToString();
  }
  EXPECT_EQ(Hash({Dictionary(arrow::int8(), "[null, 0, 1]", Of(arrow::utf8(), R"([null, "A"])"))}),
            (Hashes{kNullHash, kNullHash, 1423767502}));
  EXPECT_EQ(Hash({Dictionary(arrow::int8(), "[null, 0]", Of(arrow::null(), "[null]"))}), Hashes(2, kNullHash));
  EXPECT_EQ(Hash({Dictionary(arrow::int8(), "[null, null]", Of(arrow::utf8(), "[]"))}), Hashes(2, kNullHash));
}

TEST_F(KeyHash, SlicesHashAsTheirRows) {
  const arrow::ArrayVector columns = {
      Of(arrow::utf8(), R"(["A", null, "CCC", "DDDD", "EEEEE", "", "G"])"),
      Of(arrow::boolean(), "[true, false, null, true, true, false, false]"),
      Of(arrow::decimal128(9, 2), R"(["1.00", "2.50", null, "4.00", "5.00", "6.00", "7.00"])"),
      Of(arrow::fixed_size_binary(2), R"(["AA", "BB", null, "DD", "EE", "FF", "GG"])"),
      Dictionary(arrow::uint8(), "[0, 1, 1, null, 0, 1, 0]", Of(arrow::int32(), "[7, 8, 9]")->Slice(1)),
      Of(arrow::binary_view(), R"(["A", "a value of more than twelve bytes", null, "D", "E", "F", "G"])")};
  for (std::size_t column = 0; column < columns.size(); ++column) {
    const Hashes whole = Hash({columns[column]});
    EXPECT_EQ(Hash({columns[column]->Slice(2, 4)}), Hashes(whole.begin() + 2, whole.begin() + 6)) << column;
  }
  const Hashes whole = Hash(columns);
  const auto sliced = BatchOf(columns)->Slice(1, 5);
  KeyHasher hasher = HasherOf(*sliced);
  EXPECT_EQ(TryHash(hasher, *sliced).ValueOrDie(), Hashes(whole.begin() + 1, whole.begin() + 6));
}

// Short values take ways of their own, and those at the end of their buffer others.
TEST_F(KeyHash, TextsOfEveryLengthHashAsTheirBytes) {
  for (std::size_t length = 0; length <= 45; ++length) {
    std::string text;
    for (std::size_t at = 0; at < length; ++at) text += static_cast<char>('!' + (at * 7 + length) % 90);
    arrow::StringBuilder builder;
    for (int row = 0; row < 30; ++row) ASSERT_TRUE(builder.Append(text).ok());
    const ArrayPtr texts = builder.Finish().ValueOrDie();
    // Memory that ends where the text does, so that a sanitizer sees who reads on.
    const auto tight = arrow::ArrayData::Make(
        arrow::utf8(), 30,
        {nullptr, texts->data()->buffers[1], arrow::Buffer::FromString(texts->data()->buffers[2]->ToString())});
    for (const uint32_t hash : Hash({arrow::MakeArray(tight)})) ASSERT_EQ(hash, murmur3::Hash(text)) << length;
  }
}

// --- Values. ---

TEST_F(KeyHash, TextHashesByItsBytesInEveryEncoding) {
  const ArrayPtr texts =
      Of(arrow::utf8(), R"(["A", "ESZ5", null, "BTC-USD", "", "a symbol longer than twenty bytes", "Zürich", "A"])");
  const Hashes expected = {1423767502, 745337459, kNullHash, 619166587, 0, 2323433112, 694770001, 1423767502};
  for (const auto& type :
       {arrow::utf8(), arrow::large_utf8(), arrow::utf8_view(), arrow::binary(), arrow::large_binary(),
        arrow::binary_view(), arrow::dictionary(arrow::int16(), arrow::utf8())}) {
    EXPECT_EQ(Hash({arrow::compute::Cast(*texts, type).ValueOrDie()}), expected) << type->ToString();
  }
  const ArrayPtr entries = Of(arrow::large_utf8(), R"(["", "Zürich", "A", null, "ESZ5", "BTC-USD",
                                                       "a symbol longer than twenty bytes"])");
  EXPECT_EQ(Hash({Dictionary(arrow::uint8(), "[2, 4, 3, 5, 0, 6, 1, 2]", entries)}), expected);
  EXPECT_EQ(Hash({Of(arrow::fixed_size_binary(4), R"(["ESZ5"])")}), Hashes{745337459});
}

TEST_F(KeyHash, IntegersHashAlikeInEveryWidth) {
  for (const auto& type : {arrow::int8(), arrow::int16(), arrow::int32(), arrow::int64(), arrow::uint8(),
                           arrow::uint16(), arrow::uint32(), arrow::uint64()}) {
    EXPECT_EQ(Hash({Of(type, "[5, null]")}), (Hashes{1740791543, kNullHash})) << type->ToString();
    EXPECT_EQ(Hash({Dictionary(arrow::int8(), "[1]", Of(type, "[7, 5]"))}), Hashes{1740791543});
  }
  for (const auto& type : {arrow::int8(), arrow::int16(), arrow::int32(), arrow::int64()})
    EXPECT_EQ(Hash({Of(type, "[-1]")}), Hashes{1651860712}) << type->ToString();
  EXPECT_EQ(Hash({Of(arrow::uint64(), "[18446744073709551615]")}), Hashes{1651860712});
  EXPECT_EQ(Hash({Of(arrow::boolean(), "[true]")}), Hashes{1392991556});
}

TEST_F(KeyHash, FloatsHaveOneZeroAndOneNan) {
  arrow::DoubleBuilder doubles;
  ASSERT_TRUE(
      doubles
          .AppendValues({1.5, 0.0, -0.0, std::nan("1"), -std::nan("7"), std::numeric_limits<double>::signaling_NaN()})
          .ok());
  const ArrayPtr array = doubles.Finish().ValueOrDie();
  const Hashes expected = {4034560987, 1669671676, 1669671676, 1428788237, 1428788237, 1428788237};
  EXPECT_EQ(Hash({array}), expected);
  EXPECT_EQ(Hash({arrow::compute::Cast(*array, arrow::float32()).ValueOrDie()}), expected);
  EXPECT_EQ(Hash({arrow::compute::Cast(*array, arrow::float16()).ValueOrDie()}), expected);
}

TEST_F(KeyHash, TimesHashAlikeInEveryUnit) {
  const std::string text = R"(["2024-01-02T00:00:01"])";
  for (const auto unit : arrow::TimeUnit::values()) {
    EXPECT_EQ(Hash({Of(arrow::timestamp(unit), text)}), Hashes{2355429850});
    EXPECT_EQ(Hash({Of(arrow::timestamp(unit, "UTC"), R"(["2024-01-02T00:00:01Z"])")}), Hashes{2355429850});
  }
  EXPECT_EQ(Hash({Of(arrow::date32(), "[19724]")}), Hashes{1013684573});
  EXPECT_EQ(Hash({Of(arrow::date64(), "[1704153600000, 1704239999999]")}), (Hashes{1013684573, 1013684573}));
  EXPECT_EQ(Hash({Of(arrow::date64(), "[-1]")}), Hash({Of(arrow::date32(), "[-1]")}));
  EXPECT_EQ(Hash({Of(arrow::time32(arrow::TimeUnit::SECOND), "[34200]")}), Hashes{1992263757});
  EXPECT_EQ(Hash({Of(arrow::time32(arrow::TimeUnit::MILLI), "[34200000]")}), Hashes{1992263757});
  EXPECT_EQ(Hash({Of(arrow::time64(arrow::TimeUnit::MICRO), "[34200000000]")}), Hashes{1992263757});
  EXPECT_EQ(Hash({Of(arrow::time64(arrow::TimeUnit::NANO), "[34200000000000]")}), Hashes{1992263757});
  EXPECT_EQ(Hash({Of(arrow::duration(arrow::TimeUnit::MILLI), "[1]")}), Hashes{1669527334});
  EXPECT_EQ(Hash({Of(arrow::duration(arrow::TimeUnit::NANO), "[1000000]")}), Hashes{1669527334});
  // 2^63 - 1 seconds: the nanoseconds of a far date wrap.
  EXPECT_EQ(Hash({Of(arrow::timestamp(arrow::TimeUnit::SECOND), "[9223372036854775807]")}),
            Hash({Of(arrow::int64(), "[-1000000000]")}));
}

TEST_F(KeyHash, DecimalsHashByValue) {
  for (const auto& type :
       {arrow::decimal32(4, 2), arrow::decimal64(12, 2), arrow::decimal128(20, 2), arrow::decimal256(50, 2)}) {
    EXPECT_EQ(Hash({Of(type, R"(["1.50"])")}), Hashes{4247132072}) << type->ToString();
  }
  EXPECT_EQ(Hash({Of(arrow::decimal128(20, 5), R"(["1.50000"])")}), Hashes{4247132072});
  EXPECT_EQ(Hash({Of(arrow::decimal64(12, 3), R"(["-1200.000"])")}), Hashes{903563224});
  EXPECT_EQ(Hash({Of(arrow::decimal128(20, 0), R"(["-1200"])")}), Hashes{903563224});
  EXPECT_EQ(Hash({Of(arrow::decimal128(20, 0), R"(["0"])")}), Hash({Of(arrow::decimal32(5, 4), R"(["0.0000"])")}));
}

TEST_F(KeyHash, ExtensionsHashAsTheirStorage) {
  const ArrayPtr storage = Of(arrow::fixed_size_binary(16), R"(["0123456789abcdef", null])");
  EXPECT_EQ(Hash({arrow::ExtensionType::WrapArray(arrow::extension::uuid(), storage)}), Hash({storage}));
}

TEST_F(KeyHash, ColumnsAreToldApartByTheirLengths) {
  const ArrayPtr symbols = Of(arrow::utf8(), R"(["A", "", "A", "AB", null])");
  EXPECT_EQ(Hash({symbols, Of(arrow::int32(), "[5, 5, 5, 5, 5]")})[0], 2541897910U);
  EXPECT_EQ(Hash({Of(arrow::large_utf8(), R"(["ESZ5"])"), Of(arrow::null(), "[null]"),
                  Dictionary(arrow::int8(), "[1]", Of(arrow::utf8_view(), R"(["A", "X"])"))}),
            Hashes{3724445664});
  EXPECT_EQ(Hash({Of(arrow::utf8(), R"([""])"), Of(arrow::utf8(), R"([""])")}), Hashes{1669671676});

  const auto batch = BatchOf({symbols, Of(arrow::utf8(), R"(["BC", "ABC", null, "C", "ABC"])")});
  const KeyHasher hasher = HasherOf(*batch);
  std::vector<std::string> bytes(5);
  for (std::size_t row = 0; row < 5; ++row) {
    ASSERT_TRUE(hasher.AppendBytes(*batch, static_cast<int64_t>(row), bytes[row]).ok());
    for (std::size_t other = 0; other < row; ++other) EXPECT_NE(bytes[row], bytes[other]);
  }
}

TEST_F(KeyHash, OtherDictionariesOfTheSameValuesHashAlike) {
  const auto first = BatchOf({Dictionary(arrow::int32(), "[0, 1, 0]", Of(arrow::utf8(), R"(["A", "ESZ5"])"))});
  KeyHasher hasher = HasherOf(*first);
  for (int round = 0; round < 3; ++round) {  // More than are kept, in turn.
    EXPECT_EQ(TryHash(hasher, *first).ValueOrDie(), (Hashes{1423767502, 745337459, 1423767502}));
    for (int other = 0; other < 6; ++other) {
      const ArrayPtr values = Of(arrow::utf8(), R"(["N)" + std::to_string(other) + R"(", "ESZ5", "A"])");
      const auto batch = BatchOf({Dictionary(arrow::int32(), "[2, 1]", values)});
      EXPECT_EQ(TryHash(hasher, *batch).ValueOrDie(), (Hashes{1423767502, 745337459}));
    }
  }
}

TEST_F(KeyHash, DescribesAKeyForPeople) {
  const auto batch = BatchOf(
      {Dictionary(arrow::int32(), "[0, null]", Of(arrow::utf8(), R"(["BTC-USD"])")), Of(arrow::int16(), "[7, 8]")});
  const KeyHasher hasher = HasherOf(*batch);
  EXPECT_EQ(hasher.Describe(*batch, 0).ValueOrDie(), "BTC-USD, 7");
  EXPECT_EQ(hasher.Describe(*batch, 1).ValueOrDie(), "null, 8");
  EXPECT_EQ(hasher.by(), (std::vector<std::string>{"key0", "key1"}));
}

// A million keys in 256 groups, by the chi-squared test: a defect in a bit shows at once.
TEST_F(KeyHash, SpreadsKeysEvenly) {
  arrow::Int64Builder builder;
  for (int64_t key = 0; key < 1'000'000; ++key) ASSERT_TRUE(builder.Append(key).ok());
  std::vector<int64_t> buckets(256);
  const auto batch = BatchOf({builder.Finish().ValueOrDie()});
  KeyHasher hasher = HasherOf(*batch);
  Hashes hashes(1'000'000);
  ASSERT_TRUE(hasher.Hash(*batch, hashes).ok());
  for (const uint32_t hash : hashes) ++buckets[hash % 256];
  double chi_squared = 0;
  for (const int64_t bucket : buckets) {
    const double off = static_cast<double>(bucket) - 1e6 / 256;
    chi_squared += off * off / (1e6 / 256);
  }
  EXPECT_LT(chi_squared, 370);  // 255 degrees of freedom: exceeded by one in a million fair hashes.
  EXPECT_GT(chi_squared, 160);
}

}  // namespace
}  // namespace sabot::data
