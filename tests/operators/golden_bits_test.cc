// The bits of every kernel, as one number a kernel: they are the same on every CPU, compiler flag and release. Compiled
// three times (see CMakeLists.txt): as shipped and for x86-64-v3 it must pass; with fused multiply-adds allowed it must
// fail, which shows that it would notice.
//
// A change here is a change of what users compute. If it is meant (a kernel's definition changed), put the printed
// digest in.
#include <gtest/gtest.h>

#include <map>

#include "tests/operators/sample_ticks.h"

namespace sabot::operators {
namespace {

// FNV-1a over validity and value bits.
class Digest {
 public:
  void Add(const void* bytes, std::size_t count) {
    const auto* at = static_cast<const unsigned char*>(bytes);
    for (std::size_t i = 0; i < count; ++i) value_ = (value_ ^ at[i]) * 0x100000001b3;
  }
  void Add(const arrow::Array& array) {
    for (int64_t row = 0; row < array.length(); ++row) {
      const bool valid = array.IsValid(row);
      Add(&valid, 1);
      if (!valid) continue;
      if (array.type_id() == arrow::Type::STRING) {
        const auto text = static_cast<const arrow::StringArray&>(array).GetView(row);
        Add(text.data(), text.size());
      } else {
        Add(array.data()->GetValues<int64_t>(1) + row, 8);
      }
    }
  }
  uint64_t value() const { return value_; }

 private:
  uint64_t value_ = 0xcbf29ce484222325;
};

const std::map<std::string, uint64_t> kGolden = {
    {"log_returns", 0x537e1c7095339c26},
    {"welford_mean_var", 0x4e692f9973d73780},
    {"welford_mean_var_1", 0x9986326885bf5577},
    {"ewma", 0xaabe05e998c67a20},
    {"ewma_1", 0xa5335c60d0573af7},
    {"ewma_2", 0xddd46df9b063d237},
    {"ewma_3", 0x8c253d74dfa8a73a},
    {"rolling_zscore", 0x472806326062df9e},
    {"rolling_zscore_1", 0x5b79494f9fd7d8f4},
    {"rolling_zscore_2", 0xebac127d3f1c11d},
    {"rolling_zscore_3", 0x3dc5b9bbe922965d},
    {"midprice", 0x8bb7f05bb5789d11},
    {"quoted_spread", 0x511bd887f2eca800},
    {"l1_imbalance", 0xeea6d83bef036180},
    {"ofi", 0xe36e5b21bb9b3b08},
    {"ofi_1", 0x9bf1d4e9bb2c789e},
    {"ofi_2", 0x16a42d390ed9375e},
    {"vpin", 0x29395b900f84e496},
    {"vpin_1", 0x869de72df094e6d4},
    {"vpin_2", 0x5cc96b45716c18de},
    {"signed_volume", 0xc741d06630cb2635},
    {"realized_var", 0xac791e336bb0b8e3},
    {"realized_var_1", 0x3b0cc789e4b3d187},
    {"realized_var_2", 0x3b795a1a0079bd6d},
    {"kyle_lambda", 0x797acf85d1513ebd},
    {"kyle_lambda_1", 0x2f888c17ebaeb690},
    {"kyle_lambda_2", 0xe625cbffbcac7609},
    {"triangular_arbitrage", 0x5fb176c1bbfe6384},
    {"triangular_arbitrage_1", 0x67ec30af528be9f2},
    {"vwap", 0x515bcedd06a97347},
    {"vwap_1", 0xa43ba60754599619},
    {"vwap_2", 0xb89487480569f309},
    {"vwap_3", 0xdb706403ad86e5e7},
    {"vwap_4", 0xa3efa0fced356813},
    {"cusum", 0x1a607bd1aadba131},
    {"cusum_1", 0x9140c95ef03411b8},
    {"ema", 0x451769777f23ed04},
    {"ema_1", 0xdb3e8a5f0e2c62f6},
    {"sma", 0x56a1ffd0745c7f09},
    {"sma_1", 0xdfcba13a09cb77ce},
    {"sma_2", 0x87e47faea23b87},
    {"macd", 0xc3abd7888b76987f},
    {"macd_1", 0xe42f21a1e43b08e6},
    {"rsi", 0xd1a28f709070a19b},
    {"rsi_1", 0xea78b8f581425a3d},
    {"bollinger_bands", 0x241576938a99393e},
    {"bollinger_bands_1", 0xd75431f25a67adf},
    {"bollinger_bands_2", 0xa5452e845a115d8c},
    {"bollinger_bands_3", 0x241576938a99393e},
    {"lag", 0xbea5acadc068c013},
    {"lag_1", 0xb085dd0111ad348f},
    {"diff", 0xe9a10ed1bdd0864f},
    {"diff_1", 0x4d3b0f4ed848f0b6},
    {"rolling_std", 0x1df2dcd087ac39f9},
    {"rolling_std_1", 0x649fdfcd2bafccb7},
    {"rolling_std_2", 0x5953168136aeff18},
    {"rolling_std_3", 0xc9e6b88c1a45140e},
};

TEST(GoldenBits, OfEveryKernel) {
  const auto ticks = SampleTicks({.rows = 3000, .symbols = 7, .seed = 2026});
  for (const auto& kernel : EveryKernel()) {
    auto chain = KernelChain::Make({kernel.spec}).ValueOrDie();
    const auto result = chain.Process(ticks).ValueOrDie();
    Digest digest;
    for (int column = ticks->num_columns(); column < result->num_columns(); ++column)
      digest.Add(*result->column(column));
    const auto golden = kGolden.find(kernel.name);
    EXPECT_TRUE(golden != kGolden.end() && golden->second == digest.value())
        << "    {\"" << kernel.name << "\", 0x" << std::hex << digest.value() << "},";
  }
}

}  // namespace
}  // namespace sabot::operators
