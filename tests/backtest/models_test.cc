#include "sabot/backtest/models.h"

#include <gtest/gtest.h>

#include "sabot/backtest/registry.h"
#include "tests/backtest/expect_error.h"

namespace sabot::backtest {
namespace {

TEST(QueueModels, RefuseUnknownNames) {
  ExpectOptionError(MakeQueueModel("fiffo").status(), "queue model 'fiffo' is unknown.", "'fifo'");
  ExpectOptionError(MakeQueueModel("").status(), "queue model '' is unknown.", "'fifo', 'risk_averse'");
}

TEST(QueueModels, FifoMovesByTradesAlone) {
  const auto fifo = MakeQueueModel("fifo").ValueOrDie();
  EXPECT_EQ(fifo->Ahead(60, 5, 100, 80), 60);
  EXPECT_EQ(fifo->Ahead(60, 0, 100, 0), 60);
}

TEST(QueueModels, RiskAverseIsNeverBehindMoreThanIsShown) {
  const auto risk_averse = MakeQueueModel("risk_averse").ValueOrDie();
  EXPECT_EQ(risk_averse->Ahead(55, 5, 100, 80), 55);
  EXPECT_EQ(risk_averse->Ahead(55, 0, 100, 40), 40);
  EXPECT_EQ(risk_averse->Ahead(55, 0, 100, 0), 0);
  EXPECT_EQ(risk_averse->Ahead(0, 0, 100, 400), 0);
}

TEST(LatencyModels, AConstantOneIsTheSameAtAllTimes) {
  const auto latency = ConstantLatency(5'000'000);
  EXPECT_EQ(latency->Entry(0), 5'000'000);
  EXPECT_EQ(latency->Entry(1'723'109'400'000'000'000), 5'000'000);
}

// The maker's rebate of half a basis point in the table of known answers: 2000.20 traded, 0.100010 received.
TEST(FeeModels, BasisPointsOfWhatWasTraded) {
  const auto fees = BasisPointFees(/*maker_bps=*/-0.5, /*taker_bps=*/2);
  EXPECT_DOUBLE_EQ(fees->Fee(2000.20, /*maker=*/true), -0.10001);
  EXPECT_EQ(fees->Fee(10'000, /*maker=*/false), 2);
  EXPECT_EQ(BasisPointFees(0, 0)->Fee(10'000, false), 0);
}

}  // namespace
}  // namespace sabot::backtest
