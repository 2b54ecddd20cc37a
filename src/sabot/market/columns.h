// The standard column names. A feed with other names is mapped once, at its source.
#pragma once

#include <string_view>

namespace sabot::market::columns {

inline constexpr std::string_view kSymbol = "symbol";
inline constexpr std::string_view kTimestamp = "timestamp";             // The venue's time, ns since the epoch.
inline constexpr std::string_view kLocalTimestamp = "local_timestamp";  // The collector's time, ns since the epoch.
inline constexpr std::string_view kPrice = "price";
inline constexpr std::string_view kVolume = "volume";
inline constexpr std::string_view kSide = "side";  // +1 buy, -1 sell.
inline constexpr std::string_view kBid = "bid";
inline constexpr std::string_view kAsk = "ask";
inline constexpr std::string_view kBidSize = "bid_size";
inline constexpr std::string_view kAskSize = "ask_size";

}  // namespace sabot::market::columns
