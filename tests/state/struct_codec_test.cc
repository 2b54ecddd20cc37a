#include "sabot/state/struct_codec.h"

#include <gtest/gtest.h>

#include <limits>
#include <vector>

namespace sabot::state {
namespace {

struct Inner {
  double price = 0;
  int32_t count = 0;
  SABOT_FIELDS(Inner, price, count)
};
struct Outer {
  bool seen = false;
  Inner last;
  int64_t time = 0;
  SABOT_FIELDS(Outer, seen, last, time)
};

// In two steps, where there are two.
std::shared_ptr<arrow::RecordBatch> Encode(const std::vector<Outer>& structs) {
  StructColumns<Outer> columns;
  const auto rows = static_cast<int64_t>(structs.size());
  EXPECT_TRUE(columns.Reserve(rows + 3).ok());
  columns.Append(rows / 2, [&](int64_t row) -> const Outer& { return structs[row]; });
  columns.Append(rows - rows / 2, [&](int64_t row) -> const Outer& { return structs[rows / 2 + row]; });
  return arrow::RecordBatch::Make(arrow::schema(columns.Fields()), rows, columns.Finish().ValueOrDie());
}

TEST(StructCodec, NamesColumnsByPath) {
  EXPECT_EQ(Encode({})->schema()->ToString(),
            "seen: bool not null\nlast.price: double not null\nlast.count: int32 not null\ntime: int64 not null");
}

TEST(StructCodec, RoundTripKeepsEveryBit) {
  const std::vector<Outer> before{{true, {-0.0, 3}, 5},
                                  {false, {std::numeric_limits<double>::denorm_min(), -1}, -7},
                                  {true, {std::numeric_limits<double>::quiet_NaN(), 0}, 0}};
  const auto batch = Encode(before);
  ASSERT_TRUE(batch->ValidateFull().ok());
  std::vector<Outer> after(3);
  ASSERT_TRUE(DecodeStructs<Outer>(*batch, [&](int64_t row) -> Outer& { return after[row]; }).ok());
  for (int row = 0; row < 3; ++row) EXPECT_TRUE(SameBits(before[row], after[row]));
}

TEST(StructCodec, RefusesAMissingOrMistypedColumn) {
  const auto batch = Encode({{true, {1, 2}, 3}});
  std::vector<Outer> after(1);
  const auto get = [&](int64_t row) -> Outer& { return after[row]; };
  const auto missing = batch->RemoveColumn(1).ValueOrDie();
  EXPECT_EQ(DecodeStructs<Outer>(*missing, get).message(),
            "snapshot: column 'last.price' must be double without nulls, found none.");
  const auto mistyped =
      batch->SetColumn(1, arrow::field("last.price", arrow::boolean()), batch->column(0)).ValueOrDie();
  EXPECT_EQ(DecodeStructs<Outer>(*mistyped, get).message(),
            "snapshot: column 'last.price' must be double without nulls, found bool.");
}

TEST(SameBits, TellsZerosApartAndKnowsNaN) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  EXPECT_FALSE(SameBits(Inner{0.0, 1}, Inner{-0.0, 1}));
  EXPECT_TRUE(SameBits(Inner{nan, 1}, Inner{nan, 1}));
  EXPECT_FALSE(SameBits(Inner{1, 1}, Inner{1, 2}));
}

}  // namespace
}  // namespace sabot::state
