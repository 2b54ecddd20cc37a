#include "sabot/data/errors.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace sabot::data {
namespace {

TEST(Errors, KeepTheirKindAndMessage) {
  EXPECT_EQ(KindOf(SchemaError("a")), ErrorKind::kSchema);
  EXPECT_EQ(KindOf(OptionError("b")), ErrorKind::kOption);
  EXPECT_EQ(KindOf(DataError("c")), ErrorKind::kData);
  EXPECT_EQ(KindOf(SnapshotError("d")), ErrorKind::kSnapshot);
  EXPECT_EQ(DataError("rows go back in time").message(), "rows go back in time");
  EXPECT_TRUE(DataError("").IsInvalid());
}

TEST(Errors, KeepTheirKindWhenWordsAreAdded) {
  const arrow::Status status = SchemaError("column 'bid' is missing.");
  EXPECT_EQ(KindOf(status.WithMessage("ofi: ", status.message())), ErrorKind::kSchema);
}

TEST(Errors, OthersHaveNoKind) {
  EXPECT_EQ(KindOf(arrow::Status::OK()), std::nullopt);
  EXPECT_EQ(KindOf(arrow::Status::Invalid("of Arrow")), std::nullopt);
}

TEST(NearestNames, OfNoNames) { EXPECT_EQ(NearestNames("price", std::vector<std::string>{}), ""); }

TEST(NearestNames, ComeInOrderOfDistance) {
  const std::vector<std::string> names = {"timestamp", "prices", "price", "side"};
  EXPECT_EQ(NearestNames("pricee", names), " Nearest names: 'prices', 'price'.");
  EXPECT_EQ(NearestNames("prices_", names), " Nearest names: 'prices', 'price'.");
}

TEST(NearestNames, IgnoreCase) {
  EXPECT_EQ(NearestNames("TimeStamp", std::vector<std::string>{"symbol", "timestamp"}), " Nearest names: 'timestamp'.");
}

TEST(NearestNames, AreAtMostThree) {
  EXPECT_EQ(NearestNames("b", std::vector<std::string>{"b1", "b2", "b3", "b4"}), " Nearest names: 'b1', 'b2', 'b3'.");
}

TEST(NearestNames, AShortWordIsNotNearEveryOther) {
  EXPECT_EQ(NearestNames("bid", std::vector<std::string>{"ask", "mid_price"}), " Known names: 'ask', 'mid_price'.");
}

TEST(NearestNames, ListAllOfAFew) {
  std::vector<std::string> names;
  for (char letter = 'a'; letter < 'a' + 8; ++letter) names.push_back(std::string(6, letter));
  EXPECT_EQ(NearestNames("price", names),
            " Known names: 'aaaaaa', 'bbbbbb', 'cccccc', 'dddddd', 'eeeeee', 'ffffff', 'gggggg', 'hhhhhh'.");
  names.push_back("iiiiii");
  EXPECT_EQ(NearestNames("price", names), "");
}

}  // namespace
}  // namespace sabot::data
