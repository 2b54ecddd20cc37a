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
      } else if (array.type_id() == arrow::Type::BOOL) {
        const bool flag = static_cast<const arrow::BooleanArray&>(array).Value(row);
        Add(&flag, 1);
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
    {"ewcov", 0x588b41d60fbedf63},
    {"ewcov_1", 0xfb821e720d615484},
    {"ewcov_2", 0xab1bda819620273c},
    {"ewcov_3", 0xb67f20c6cea299dc},
    {"rolling_zscore", 0x472806326062df9e},
    {"rolling_zscore_1", 0x5b79494f9fd7d8f4},
    {"rolling_zscore_2", 0xebac127d3f1c11d},
    {"rolling_zscore_3", 0x3dc5b9bbe922965d},
    {"rolling_zscore_15ms", 0x6fa78e880cf7528e},
    {"rolling_zscore_60ms", 0x9bfa61f05b147a86},
    {"midprice", 0x8bb7f05bb5789d11},
    {"microprice", 0xdbbb2f73c2129c3b},
    {"quoted_spread", 0x511bd887f2eca800},
    {"effective_spread", 0x93597044abd7d118},
    {"l1_imbalance", 0xeea6d83bef036180},
    {"ofi", 0xe36e5b21bb9b3b08},
    {"ofi_1", 0x9bf1d4e9bb2c789e},
    {"ofi_2", 0x16a42d390ed9375e},
    {"ofi_15ms", 0x4714ac7f4f2cac59},
    {"ofi_60ms", 0x73a4cf3e3f312257},
    {"vpin", 0x29395b900f84e496},
    {"vpin_1", 0x869de72df094e6d4},
    {"vpin_2", 0x5cc96b45716c18de},
    {"signed_volume", 0xc741d06630cb2635},
    {"realized_var", 0xac791e336bb0b8e3},
    {"realized_var_1", 0x3b0cc789e4b3d187},
    {"realized_var_2", 0x3b795a1a0079bd6d},
    {"realized_var_15ms", 0xefbc46ef5e3d01d1},
    {"realized_var_60ms", 0x63c4e7e204545b0d},
    {"riskmetrics_vol", 0xee37279df36f5d94},
    {"riskmetrics_vol_1", 0xf3568cbc84806beb},
    {"riskmetrics_vol_2", 0xcb79c2a003b53c8c},
    {"riskmetrics_vol_3", 0x2b781bb36e7ab6c9},
    {"bipower_var", 0xfb8247bbc554ca2a},
    {"bipower_var_1", 0x55eba4d1c772f234},
    {"bipower_var_2", 0xf2ed81768fe46380},
    {"bipower_var_3", 0x747abdf286a5c3bc},
    {"bipower_var_15ms", 0xcf5c700dc11d88f6},
    {"bipower_var_60ms", 0xf34c820bd9e026f5},
    {"medrv", 0xbe8185658fb7420},
    {"medrv_1", 0x4c03568041562d2},
    {"medrv_2", 0x64042d2d05877181},
    {"medrv_3", 0x98142b2b41498bb4},
    {"medrv_15ms", 0x40c5221d72616c6b},
    {"medrv_60ms", 0xc81cbfb259922a67},
    {"kyle_lambda", 0x797acf85d1513ebd},
    {"kyle_lambda_1", 0x2f888c17ebaeb690},
    {"kyle_lambda_2", 0xe625cbffbcac7609},
    {"kyle_lambda_15ms", 0xefb481dbd3d8351b},
    {"kyle_lambda_60ms", 0x8be0b8f5872041aa},
    {"amihud_illiquidity", 0xf31eb8913cd8b89},
    {"amihud_illiquidity_1", 0xeda4514b38484c1a},
    {"amihud_illiquidity_2", 0x7f4c07aa1551939},
    {"amihud_illiquidity_15ms", 0x5d30d0b12b7b950e},
    {"amihud_illiquidity_60ms", 0x20c6649cdac1e499},
    {"corwin_schultz_spread", 0xed94070270945e87},
    {"corwin_schultz_spread_1", 0x17ab9fe6bbdc0411},
    {"corwin_schultz_spread_2", 0x5dca556a92b0b9b9},
    {"corwin_schultz_spread_3", 0x7bf9953aa8127bd5},
    {"corwin_schultz_spread_15ms", 0x73215d85337a1e98},
    {"corwin_schultz_spread_60ms", 0x1c71b1b52cf99ac},
    {"triangular_arbitrage", 0x5fb176c1bbfe6384},
    {"triangular_arbitrage_1", 0x67ec30af528be9f2},
    {"forward_points", 0x6bc1b2092a6552c4},
    {"forward_points_1", 0x10a7279b5d704fac},
    {"cip_basis", 0xa11918240047ae4f},
    {"cip_basis_1", 0xf272e21733120cf5},
    {"carry_signal", 0x692028ff282611cc},
    {"carry_signal_1", 0x2a99b8b4549a071f},
    {"funding_apr", 0x344331ae632f9047},
    {"funding_cost", 0x883f7df479b8155b},
    {"basis_annualized", 0x2585a23381f05412},
    {"open_interest_delta", 0x530c621c454c8d5},
    {"perp_fair_price", 0x31ae8ac32baa6609},
    {"cash_and_carry_edge", 0xc704bcd12e40aa20},
    {"cash_and_carry_edge_1", 0x5880cc9686170020},
    {"vwap", 0x515bcedd06a97347},
    {"vwap_1", 0xa43ba60754599619},
    {"vwap_2", 0xb89487480569f309},
    {"vwap_3", 0xdb706403ad86e5e7},
    {"vwap_4", 0xa3efa0fced356813},
    {"vwap_15ms", 0x810fe11d07ef0708},
    {"vwap_60ms", 0x34cbb9ae520af578},
    {"implementation_shortfall", 0xc99737d52369d359},
    {"implementation_shortfall_1", 0x2131147900bfcdb0},
    {"arrival_price_impact", 0x341af7f5edc01b39},
    {"cusum", 0x1a607bd1aadba131},
    {"cusum_1", 0x9140c95ef03411b8},
    {"historical_var", 0x35e0941c5f1f99e4},
    {"historical_var_1", 0xa00d2e78ae75838c},
    {"historical_var_2", 0x6436f1d9c8123ad7},
    {"historical_var_15ms", 0xfdb2c8504cada1ec},
    {"historical_var_60ms", 0x75f8a88371487b43},
    {"historical_cvar", 0x5804f2625a89a822},
    {"historical_cvar_1", 0xb02c2c2fae26fce2},
    {"historical_cvar_2", 0x4c6846ff44db2147},
    {"historical_cvar_15ms", 0xa0dd38a0a901a366},
    {"historical_cvar_60ms", 0x8bb9003d29265e93},
    {"cornish_fisher_var", 0xc1dfd256d0025ead},
    {"ema", 0x451769777f23ed04},
    {"ema_1", 0xdb3e8a5f0e2c62f6},
    {"sma", 0x56a1ffd0745c7f09},
    {"sma_1", 0xdfcba13a09cb77ce},
    {"sma_2", 0x87e47faea23b87},
    {"sma_15ms", 0x4d792b0dfdfc8255},
    {"sma_60ms", 0xedb984ae65c389e4},
    {"macd", 0xc3abd7888b76987f},
    {"macd_1", 0xe42f21a1e43b08e6},
    {"rsi", 0xd1a28f709070a19b},
    {"rsi_1", 0xea78b8f581425a3d},
    {"bollinger_bands", 0x241576938a99393e},
    {"bollinger_bands_1", 0xd75431f25a67adf},
    {"bollinger_bands_2", 0xa5452e845a115d8c},
    {"bollinger_bands_3", 0x241576938a99393e},
    {"bollinger_bands_15ms", 0xc6f54767c3215a57},
    {"bollinger_bands_60ms", 0xb41d3c5f1730025},
    {"kalman_1d", 0x46691707b7a2120a},
    {"donchian_channel", 0xf85464e8d7c618b3},
    {"donchian_channel_1", 0x188e8072cbeb7637},
    {"donchian_channel_2", 0x25a6e5f72ccf2240},
    {"donchian_channel_15ms", 0x97dea96c374bab82},
    {"donchian_channel_60ms", 0xed8d11e7a6bd9a67},
    {"stochastic_osc", 0x645e909c6ab32c2},
    {"stochastic_osc_1", 0x9fac0c068529f58d},
    {"lag", 0xbea5acadc068c013},
    {"lag_1", 0xb085dd0111ad348f},
    {"diff", 0xe9a10ed1bdd0864f},
    {"diff_1", 0x4d3b0f4ed848f0b6},
    {"rolling_min", 0xc002d9612190eaa2},
    {"rolling_min_1", 0xfb54d36cd43a4ca4},
    {"rolling_min_2", 0x918f06eb507582b},
    {"rolling_min_15ms", 0xbb97b6a9d3d1a4d9},
    {"rolling_min_60ms", 0x828e717a880c64bb},
    {"rolling_max", 0x6cf29a81166c2486},
    {"rolling_max_1", 0x98379bd74e245243},
    {"rolling_max_2", 0x6e9e0731aa628675},
    {"rolling_max_15ms", 0x2bdcc9ec66487c71},
    {"rolling_max_60ms", 0x1728b06b2ffd1839},
    {"rolling_std", 0x1df2dcd087ac39f9},
    {"rolling_std_1", 0x649fdfcd2bafccb7},
    {"rolling_std_2", 0x5953168136aeff18},
    {"rolling_std_3", 0xc9e6b88c1a45140e},
    {"rolling_std_15ms", 0x739d03def58e13d5},
    {"rolling_std_60ms", 0x4298fb11457127e0},
    {"rolling_skew", 0xdca2bf06c431e10d},
    {"rolling_skew_1", 0x351809b3d82036ce},
    {"rolling_skew_2", 0x28b102ad99475028},
    {"rolling_skew_3", 0x418e7038ffd8a36f},
    {"rolling_skew_15ms", 0xe652c31affd9300},
    {"rolling_skew_60ms", 0x74f20412c9f32442},
    {"rolling_kurt", 0x6103fe06037d8148},
    {"rolling_kurt_1", 0xe9154a5da464b85},
    {"rolling_kurt_2", 0xec694f50152a0d5b},
    {"rolling_kurt_3", 0xb8caa7e7284db684},
    {"rolling_kurt_15ms", 0xf510ba252f4ace0a},
    {"rolling_kurt_60ms", 0x8d5376e9a1a7421a},
    {"autocorr", 0x8fc965ac5fb17f98},
    {"autocorr_1", 0x5bb407f608feb817},
    {"autocorr_2", 0x46b9e25f2c8914e7},
    {"autocorr_3", 0x52de5e806c1c16f8},
    {"autocorr_15ms", 0x5bca9ef223eeab21},
    {"autocorr_60ms", 0x35f9b1e2795ba1e1},
    {"hayashi_yoshida_cov", 0x45379681cb394c45},
    {"hayashi_yoshida_cov_1", 0x464fe59630210546},
    {"hayashi_yoshida_cov_2", 0xd7f4e1b4bf192a9d},
    {"hayashi_yoshida_cov_15ms", 0xcee0930db59b8b87},
    {"hayashi_yoshida_cov_60ms", 0xd4eac6cc12f2a21},
    {"hayashi_yoshida_corr", 0xd9687dff840e4c9b},
    {"hayashi_yoshida_corr_1", 0xd6ad0acaa6932da1},
    {"hayashi_yoshida_corr_2", 0xf8fe3f26bf14c36c},
    {"hayashi_yoshida_corr_15ms", 0xb356e26bcf2365a0},
    {"hayashi_yoshida_corr_60ms", 0xcd1de3eb25c75faa},
    {"xcorr_leadlag", 0x280578f03aff03d4},
    {"xcorr_leadlag_1", 0xfe7fb2cec66f2b02},
    {"xcorr_leadlag_15ms", 0xefa43055c011bf60},
    {"xcorr_leadlag_60ms", 0xf311bf5459d611c7},
    {"pairs_spread", 0x675afa9172a36078},
    {"pairs_spread_1", 0x57bc3b7b00c695de},
    {"pairs_spread_2", 0xfc5eabc4b6ae4134},
    {"kalman_hedge_ratio", 0x690cae38d9bd3279},
    {"kalman_hedge_ratio_1", 0xe6a25e77376905ad},
    {"stale_quote_detector", 0x3e1e57e6ddffa7fe},
    {"stale_quote_detector_1", 0xac9d3303497ce9a9},
    {"price_band_guard", 0x96a173e5e682ffe1},
    {"fat_finger_guard", 0x6cef63e19a3bebe5},
    {"fat_finger_guard_1", 0x6d166f708e710ce5},
    {"circuit_breaker", 0x2a488f75bd16f77a},
    {"circuit_breaker_1", 0x11420f1be0f62b5e},
    {"throttle_check", 0xd5b12c8499b10535},
    {"throttle_check_1", 0x73ff419f07cc133a},
    {"outlier_flag_mad", 0xbfb1aeeb946cb597},
    {"outlier_flag_mad_1", 0xd894219bd29ccb15},
    {"outlier_flag_mad_2", 0x2391aa7f6b84d1ae},
    {"outlier_flag_mad_3", 0x6bfd5d73ae6f75e7},
    {"outlier_flag_mad_15ms", 0x8a018638fae52efa},
    {"outlier_flag_mad_60ms", 0xf36cd03c8449f89e},
    {"roll_spread", 0xecb2a2cac01ef743},
    {"roll_spread_1", 0xaae6f20c010c890e},
    {"roll_spread_2", 0x1d5d5e7cca40db7b},
    {"roll_spread_15ms", 0x7e40676c5c166c78},
    {"roll_spread_60ms", 0x1d321157cb671978},
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
