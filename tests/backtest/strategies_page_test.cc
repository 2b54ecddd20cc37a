// docs/concepts/strategies.md lists every strategy and every key with its default, range and meaning, as the tables of
// the registry have them.
#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <string>

#include "sabot/backtest/registry.h"

namespace sabot::backtest {
namespace {

std::string Page() {
  std::ifstream file(SABOT_STRATEGIES_PAGE);
  EXPECT_TRUE(file.good()) << SABOT_STRATEGIES_PAGE;
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string Default(const Parameter& parameter) {
  if (const auto* number = std::get_if<double>(&parameter.standard)) return NumberText(*number);
  if (const auto* flag = std::get_if<bool>(&parameter.standard)) return *flag ? "true" : "false";
  if (const auto* text = std::get_if<std::string>(&parameter.standard)) return "'" + *text + "'";
  return "null";
}

std::string Row(const Parameter& parameter) {
  return "\n| `" + parameter.name + "` | " + Default(parameter) + " | " + parameter.Allowed() + " | " + parameter.doc +
         " |\n";
}

// The part under a heading.
std::string Section(const std::string& page, const std::string& heading) {
  const auto begin = page.find("\n## " + heading + "\n");
  if (begin == std::string::npos) return {};
  return page.substr(begin, page.find("\n## ", begin + 1) - begin);
}

TEST(StrategiesPage, HasEveryStrategyWithItsKeys) {
  const std::string page = Page();
  for (const StrategyInfo* info : Strategies()) {
    const std::string section = Section(page, "`" + info->name + "`");
    ASSERT_FALSE(section.empty()) << "there is no section ## `" << info->name << "`";
    EXPECT_NE(section.find(info->summary), std::string::npos) << info->name << " lacks: " << info->summary;
    EXPECT_NE(section.find(info->source), std::string::npos) << info->source;
    for (const Parameter& parameter : info->parameters) {
      const bool written = section.find(Row(parameter)) != std::string::npos;
      const bool as_v1 = section.find("Keys: those of `v1_baseline`") != std::string::npos &&
                         Section(page, "`v1_baseline`").find(Row(parameter)) != std::string::npos;
      EXPECT_TRUE(written || as_v1) << info->name << " lacks:" << Row(parameter);
    }
  }
}

TEST(StrategiesPage, HasEveryKeyOfTheVenue) {
  const std::string section = Section(Page(), "Keys of the venue");
  for (const Parameter& parameter : VenueParameters()) {
    EXPECT_NE(section.find(Row(parameter)), std::string::npos) << "lacks:" << Row(parameter);
  }
}

}  // namespace
}  // namespace sabot::backtest
