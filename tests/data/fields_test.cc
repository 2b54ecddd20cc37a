#include "sabot/data/fields.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

namespace sabot::data {
namespace {

struct Inner {
  double at = 0;
  SABOT_FIELDS(Inner, at)
};

struct Outer {
  double value = 1;
  int64_t count = 2;
  Inner inner;
  bool seen = false;
  SABOT_FIELDS(Outer, value, count, inner, seen)
};

struct Nothing {
  static constexpr std::tuple<> Fields() { return {}; }
};

struct Forgets {
  double value = 0;
  double forgotten = 0;
  SABOT_FIELDS(Forgets, value)
};

struct ForgetsAStruct {
  double value = 0;
  Inner inner;
  SABOT_FIELDS(ForgetsAStruct, value)
};

struct OfOneStruct {
  Inner inner;
  SABOT_FIELDS(OfOneStruct, inner)
};

struct Many {
  double a = 0, b = 0, c = 0, d = 0, e = 0, f = 0, g = 0, h = 0, i = 0, j = 0, k = 0, l = 0, m = 0, n = 0, o = 0, p = 0;
  SABOT_FIELDS(Many, a, b, c, d, e, f, g, h, i, j, k, l, m, n, o, p)
};

TEST(Fields, AMemberLeftOutIsFound) {
  static_assert(!FieldsCoverStruct<Forgets>);
  static_assert(!FieldsCoverStruct<ForgetsAStruct>);
  static_assert(FieldsCoverStruct<Inner>);
  static_assert(FieldsCoverStruct<Outer>);
  static_assert(FieldsCoverStruct<OfOneStruct>);
  static_assert(FieldsCoverStruct<Nothing>);
  static_assert(FieldsCoverStruct<Many>);
}

TEST(Fields, AreCounted) {
  static_assert(kFieldCount<Nothing> == 0);
  static_assert(kFieldCount<Outer> == 4);
  static_assert(kFieldCount<Many> == 16);
  static_assert(HasFields<Outer>);
  static_assert(!HasFields<double>);
}

TEST(Fields, AreWalkedInOrder) {
  std::vector<std::string> names;
  ForEachField<Outer>([&](std::string_view name, auto) { names.emplace_back(name); });
  EXPECT_EQ(names, (std::vector<std::string>{"value", "count", "inner", "seen"}));
  ForEachField<Nothing>([](std::string_view, auto) { FAIL(); });
}

TEST(Fields, PointAtTheMembers) {
  Outer outer;
  ForEachField<Outer>([&](std::string_view, auto member) {
    using Member = std::remove_reference_t<decltype(outer.*member)>;
    if constexpr (!HasFields<Member>) outer.*member = static_cast<Member>(7);
  });
  EXPECT_EQ(outer.value, 7);
  EXPECT_EQ(outer.count, 7);
  EXPECT_TRUE(outer.seen);
}

}  // namespace
}  // namespace sabot::data
