// Asks of an error that it is one of a wrong option and says all of these.
#pragma once

#include <gtest/gtest.h>

#include <string_view>

#include "sabot/data/errors.h"

namespace sabot::backtest {

template <class... Parts>
void ExpectOptionError(const arrow::Status& status, const Parts&... parts) {
  EXPECT_EQ(data::KindOf(status), data::ErrorKind::kOption) << status.ToString();
  const auto expect = [&](std::string_view part) {
    EXPECT_NE(status.message().find(part), std::string::npos) << status.message() << "\n  lacks: " << part;
  };
  (expect(parts), ...);
}

}  // namespace sabot::backtest
