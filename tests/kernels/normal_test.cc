#include "sabot/kernels/normal.h"

#include <gtest/gtest.h>

#include <cmath>

#include "sabot/kernels/math.h"

namespace sabot::kernels {
namespace {

TEST(NormalQuantile, IsNoNumberWithoutAProbability) {
  for (const double p : {0.0, 1.0, -0.5, 1.5, -0.0, double{INFINITY}, double{NAN}}) {
    EXPECT_TRUE(std::isnan(NormalQuantile(p))) << p;
  }
}

TEST(NormalQuantile, IsAccurate) {  // By Newton's method on erfc with 60 digits, of each p as the double that it is.
  struct Row {
    double p, quantile;
  };
  for (const auto& [p, quantile] :
       {Row{5e-324, -38.467405617144346251}, Row{1e-300, -37.047096299361199237}, Row{1e-50, -14.933337534788488981},
        Row{1.3e-11, -6.6676114565107408347},  // Here the far tail ends,
        Row{1.4e-11, -6.6567230915181836356}, Row{1e-6, -4.7534243088228989573}, Row{0.001, -3.0902323061678135354},
        Row{0.01, -2.3263478740408410931}, Row{0.05, -1.644853626951472688},
        Row{0.074999, -1.4395385353452306883},  // and here the near one.
        Row{0.0750001, -1.4395307645017296865}, Row{0.1, -1.2815515655446004353}, Row{0.25, -0.6744897501960817432},
        Row{0.50001, 0.000025066282748820862706}, Row{0.6, 0.25334710313579974132},
        Row{0.9250001, 1.4395321773759004884}, Row{0.95, 1.6448536269514722843}, Row{0.99, 2.3263478740408407676},
        Row{1 - 0x1p-53, 8.2095361516013868556}}) {
    EXPECT_NEAR(NormalQuantile(p), quantile, 1e-15 * std::abs(quantile)) << p;
  }
  EXPECT_EQ(NormalQuantile(0.5), 0.0);
}

TEST(NormalQuantile, UndoesTheDistribution) {
  for (double p = 0.5; p > 1e-300; p *= 0.93) {
    const double x = NormalQuantile(p);
    const double back = 0.5 * math::Erfc(-x / std::sqrt(2.0));
    // A relative error e of x is one of about x^2 * e of p.
    EXPECT_NEAR(back, p, p * (1 + x * x) * 1e-15) << p;
  }
}

TEST(NormalQuantile, IsSymmetric) {
  for (int i = 1; i < 512; ++i) {
    const double p = i / 1024.0;
    EXPECT_EQ(NormalQuantile(p), -NormalQuantile(1 - p)) << p;
    EXPECT_LT(NormalQuantile(p), NormalQuantile(p + 0x1p-10));
  }
}

}  // namespace
}  // namespace sabot::kernels
