// The text form: what is refused and how the message looks, precedence, and that writing and reading are inverse.
#include <arrow/scalar.h>
#include <gtest/gtest.h>

#include <random>

#include "sabot/data/errors.h"
#include "sabot/operators/expression.h"

namespace sabot::operators {
namespace {

std::string ErrorOf(std::string_view text) {
  const auto parsed = ParseExpression(text);
  if (parsed.ok()) {
    ADD_FAILURE() << text << " was read as " << ToString(**parsed);
    return "";
  }
  EXPECT_EQ(data::KindOf(parsed.status()), data::ErrorKind::kOption) << parsed.status();
  return parsed.status().message();
}

// As JSON, in which nothing hangs on precedence.
std::string Tree(std::string_view text) {
  const auto parsed = ParseExpression(text);
  EXPECT_TRUE(parsed.ok()) << parsed.status().message();
  return parsed.ok() ? ToJson(**parsed) : "";
}
std::string Again(std::string_view text) {
  const auto parsed = ParseExpression(text);
  EXPECT_TRUE(parsed.ok()) << parsed.status().message();
  return parsed.ok() ? ToString(**parsed) : "";
}

TEST(ParseExpression, ShowsThePlaceOfAMistake) {
  EXPECT_EQ(ErrorOf("price * * volume"),
            "expression: found '*', expected a column, a number, a string, a function or '('.\n"
            "  price * * volume\n"
            "          ^");
  EXPECT_EQ(ErrorOf("sqr(price)"),
            "expression: unknown function or kernel 'sqr'. Nearest names: 'sqrt'.\n"
            "  sqr(price)\n"
            "  ^");
  EXPECT_EQ(ErrorOf("a +\nround(b, 1, 'up')"),
            "expression: round: option 'mode' must be one of 'half_to_even', 'half_away_from_zero', found 'up'.\n"
            "  round(b, 1, 'up')\n"
            "  ^");
  // The caret counts letters, not bytes.
  EXPECT_EQ(ErrorOf("\"\u00e9\u00e9\" + + 1"),
            "expression: found '+', expected a column, a number, a string, a function or '('.\n"
            "  \"\u00e9\u00e9\" + + 1\n"
            "         ^");
}

TEST(ParseExpression, SaysWhatToWriteInstead) {
  const auto says = [](std::string_view text, std::string_view what) {
    EXPECT_NE(ErrorOf(text).find(what), std::string::npos) << ErrorOf(text);
  };
  says("", "found the end, expected a column");
  says("price = 1", "Write == to compare.");
  says("a & b", "write `and`");
  says("a || b", "write `or`");
  says("!a", "write `not`");
  says("a % 2", "no remainder");
  says("a ^ 2", "write ** for a power");
  says("1 < a < 2", "comparisons do not chain");
  says("a == not b", "write (not ...) in parentheses");
  says("a.b", "written col(\"a.b\")");
  says("a b", "expected an operator or the end");
  says("(a", "found the end, expected ')'");
  says("a)", "found ')'");
  says("'abc", "does not end");
  says("'\\q'", "unknown escape");
  says("'\\ud800'", "unknown escape");
  says("5x", "runs into a name");
  says("9223372036854775808", "does not fit int64");
  says("18446744073709551616", "does not fit int64");
  says("1e999", "does not fit float64");
  says("a in (1, 2)", "expected a list such as [1, 2]");
  says("a in [b]", "a list holds literals only");
  says("a in [1, 'x']", "a list holds values of one type, found int64 and string");
  says("[1] + 2", "add takes no list");
  says("a is 5", "expected 'null'");
  says("round(price, 1, \"half_to_even\", 5)", "this argument is too many");
  says("round(price, digits=1, digits=2)", "given twice");
  says("round(digits=1, price)", "arguments by position come first");
  says("round(price, b)", "an option is a number");
  says("cast(a, 'int46')", "Nearest names: 'int");
  says("col(a)", "takes one string");
  says("timestamp('yesterday')", "is no timestamp");
  says("timestamp('2024-02-30')", "is no timestamp");
  says("timestamp('9999-01-01')", "is no timestamp");
  says("duration('5 s')", "is no duration");
  says("ewma(price, alhpa=0.5)", "neither an option nor an input 'alhpa'. Nearest names: 'alpha'");
  says("ewma(price, volume, alpha=0.5)", "ewma has 1 input; this one is too many");
  says("ewma(price, alpha=1.5)", "option 'alpha' must be in (0, 1], found 1.5");
  says("ewma(price, alpha=a)", "an option is a number");
  says("ewma(price, x=volume)", "given by name as well");
  says("ewma(price).over()", "expected the name of a key column");
  says("ewma(price).over(a).over(b)", "over() was given twice");
  says("ewma(price).outptu(a)", "expected over(...) or output(...)");
  says("bollinger_bands(price).output(uper)", "Known names: 'bb_mid', 'bb_upper'");
  says("\xff", "no valid UTF-8");
  says("\u00e9 + 1", "Write a column of another name as col(");
}

TEST(ParseExpression, BoundsDepth) {
  for (const std::string open : {"(", "-", "not ", "abs(", "[", "a**", "a and (", "ewma("}) {
    std::string text;
    for (int level = 0; level < 100'000; ++level) text += open;
    EXPECT_FALSE(ParseExpression(text).ok());
  }
  std::string chain = "a";
  for (int term = 0; term < 5000; ++term) chain += " or a";
  EXPECT_NE(ErrorOf(chain).find("nested more than 400 deep"), std::string::npos);
  EXPECT_FALSE(ParseExpression(std::string(2'000'000, ' ')).ok());
}

TEST(ParseExpression, HasPythonsPrecedence) {
  const auto same = [](std::string_view text, std::string_view explicit_text) {
    EXPECT_EQ(Tree(text), Tree(explicit_text));
  };
  same("a or b and not c == d + e * -f ** g", "a or (b and (not (c == (d + (e * (-(f ** g)))))))");
  same("a - b - c", "(a - b) - c");
  same("a / b / c * d", "((a / b) / c) * d");
  same("a ** b ** c", "a ** (b ** c)");
  same("a ** -b ** c", "a ** (-(b ** c))");
  same("-a * b", "(-a) * b");
  same("- 5 ** 2", "-(5 ** 2)");
  same("not a in [1]", "not (a in [1])");
  same("a not in [1]", "not (a in [1])");
  same("a + b is null", "(a + b) is null");
  same("a and b or c", "(a and b) or c");
  EXPECT_EQ(Tree("a - -1"), R"({"call":"subtract","arguments":[{"column":"a"},{"literal":-1}]})");
  EXPECT_EQ(Tree("-(1)"), R"({"call":"negate","arguments":[{"literal":1}]})");
  EXPECT_EQ(Tree("fill_null(a, 0)"), Tree("coalesce(a, 0)"));
  EXPECT_EQ(Tree("True == None"), Tree("true == null"));
}

TEST(ParseExpression, ReadsLiterals) {
  EXPECT_EQ(Tree("1_000"), R"({"literal":1000})");
  EXPECT_EQ(Tree("-9223372036854775808"), R"({"literal":-9223372036854775808})");
  EXPECT_EQ(Tree("1e3"), R"({"literal":1000.0})");
  EXPECT_EQ(Tree(".5"), R"({"literal":0.5})");
  EXPECT_EQ(Tree("-inf"), R"({"literal":"-inf","type":"float64"})");
  EXPECT_EQ(Tree("'a\"\\n\\u00e9'"), "{\"literal\":\"a\\\"\\n\u00e9\"}");
  EXPECT_EQ(Tree("\"\\U0001F600\""), "{\"literal\":\"\U0001F600\"}");
  EXPECT_EQ(Tree("timestamp('2024-01-31 09:30')"), R"({"literal":"2024-01-31T09:30:00","type":"timestamp[ns]"})");
  EXPECT_EQ(Tree("timestamp('2024-01-31T09:30:00.5+01:00')"),
            R"({"literal":"2024-01-31T08:30:00.5Z","type":"timestamp[ns, tz=UTC]"})");
  EXPECT_EQ(Tree("timestamp('1969-12-31T23:59:59.999999999Z')"),
            R"({"literal":"1969-12-31T23:59:59.999999999Z","type":"timestamp[ns, tz=UTC]"})");
  EXPECT_EQ(Tree("duration('-90s')"), R"({"literal":"-90s","type":"duration[ns]"})");
  EXPECT_EQ(Tree("a in [1, 2.5, null]"), R"({"call":"is_in","arguments":[{"column":"a"},{"literal":[1.0,2.5,null]}]})");
  EXPECT_EQ(Tree("a in []"), R"({"call":"is_in","arguments":[{"column":"a"},{"literal":[]}]})");
}

TEST(ParseExpression, ReadsKernels) {
  EXPECT_EQ(Tree("ewma(price, alpha=0.06).over(symbol)"),
            R"({"kernel":"ewma","columns":{"x":{"column":"price"}},"options":{"alpha":0.06},"over":["symbol"]})");
  EXPECT_EQ(Tree("ofi().over(symbol, 'trading venue')"), R"({"kernel":"ofi","over":["symbol","trading venue"]})");
  EXPECT_EQ(Tree("midprice(b, a)"), R"({"kernel":"midprice","columns":{"ask":{"column":"a"},"bid":{"column":"b"}}})");
  EXPECT_EQ(Tree("bollinger_bands(price).output(upper) > 1"),
            Tree("bollinger_bands(x=price).output(\"bb_upper\") > 1"));
  // A name that is an input and an option is what it is given: a column or a constant.
  EXPECT_EQ(Tree("triangular_arbitrage(fees_bps=fees, use_fees_column=true)"),
            R"({"kernel":"triangular_arbitrage","columns":{"fees_bps":{"column":"fees"}},)"
            R"("options":{"use_fees_column":true}})");
  EXPECT_EQ(Tree("triangular_arbitrage(fees_bps=1.5)"),
            R"({"kernel":"triangular_arbitrage","options":{"fees_bps":1.5}})");
  EXPECT_EQ(Tree("EWMAKernel(price)"), Tree("ewma(price)"));
  EXPECT_EQ(Tree("ewma(halflife='5s')"), R"({"kernel":"ewma","options":{"halflife":"5s"}})");
}

TEST(Expression, IsWrittenAsPeopleWould) {
  for (const char* text : {
           "price * volume > 1e+06 and side == 1",
           "(a + b) * c - d / (e - f)",
           "a - (b - c)",
           "(a ** b) ** c",
           "(-5) ** 2",
           "-5 ** 2",
           "-(5)",
           "-(-5)",
           "--x",
           "not a and (b or c)",
           "(a == b) == c",
           "(not a) == b",
           "(a is null) is not null",
           "not x in [\"A\", \"B\"]",
           "is_in(x, [1, 2], \"match\")",
           "round(price, 2)",
           "round(price, mode=\"half_away_from_zero\")",
           "coalesce(a, b, 0)",
           "cast(volume, \"int64\")",
           "if_else(side == 1, volume, -volume)",
           "slice(symbol, 0, 3)",
           "floor_temporal(timestamp, 5, \"minute\")",
           "floor_temporal(timestamp, unit=\"minute\")",
           "timestamp >= timestamp(\"2024-01-01T00:00:00Z\")",
           "timestamp - duration(\"5s\")",
           "ewma(log_returns(price).over(symbol), alpha=0.06).over(symbol)",
           "col(\"strange name\") + col(\"not\") + col(\"a\\\"b\")",
           "-inf",
           "nan != inf",
           "-0.0",
           "\"tab\\t\\x01\\\\\"",
           "[true, null]",
       }) {
    EXPECT_EQ(Again(text), text);
  }
}

// Text -> tree -> text on mutations of what people write: never a crash, and reading what was written is the identity.
TEST(Expression, AnyBytesAreReadOrRefused) {
  const std::vector<std::string> seeds = {
      "price * volume > 1e6 and side == 1 or not flag",
      "ewma(log_returns(price).over(symbol), alpha=0.06).over(symbol, \"v\").output(ewma)",
      "a not in ['x', \"y\\n\\u00e9\", null] and b is not null",
      "-5 ** -x / (1_000 - .5e-3) + timestamp('2024-01-01T00:00:00.5Z') - duration(\"-5ms\")",
      "round(if_else(a <= 1, fill_null(b, nan), -inf), 2, mode='half_to_even')",
      "cast(col('x y'), \"timestamp[ns, tz=UTC]\") != cast('1.5', 'decimal128(10, 2)')"};
  const std::string alphabet = "()[].,=<>!*/+-\"'\\ _aeinotx0159#\n\xff\xc3\xa9";
  std::mt19937_64 random(20240131);
  int read = 0;
  for (int round = 0; round < 60'000; ++round) {
    std::string text = seeds[random() % seeds.size()];
    for (uint64_t change = random() % 4; change-- > 0 && !text.empty();) {
      const std::size_t at = random() % text.size();
      switch (random() % 5) {
        case 0:
          text[at] = alphabet[random() % alphabet.size()];
          break;
        case 1:
          text.erase(at, 1 + random() % 8);
          break;
        case 2:
          text.insert(at, 1, alphabet[random() % alphabet.size()]);
          break;
        case 3:
          text[at] = static_cast<char>(random());
          break;
        default: {
          const auto& other = seeds[random() % seeds.size()];
          const std::size_t from = random() % other.size();
          text.insert(at, other.substr(from, random() % 20));
        }
      }
    }
    const auto parsed = ParseExpression(text);
    if (!parsed.ok()) {
      ASSERT_EQ(data::KindOf(parsed.status()), data::ErrorKind::kOption) << text;
      continue;
    }
    ++read;
    const auto written = ToString(**parsed);
    const auto again = ParseExpression(written);
    ASSERT_TRUE(again.ok()) << text << " -> " << written << ": " << again.status();
    ASSERT_EQ(ToString(**again), written) << text;
    ASSERT_EQ(ToJson(**again), ToJson(**parsed)) << text;
    const auto from_json = ExpressionFromJson(ToJson(**parsed));
    ASSERT_TRUE(from_json.ok()) << ToJson(**parsed) << from_json.status();
    ASSERT_EQ(ToString(**from_json), written);
  }
  EXPECT_GT(read, 10'000);
}

}  // namespace
}  // namespace sabot::operators
