// Best bid and ask with the sizes shown there. Prices in units of the instrument, sizes in units traded.
#pragma once

#include "sabot/data/fields.h"

namespace sabot::market {

struct Quote {
  double bid = 0;
  double ask = 0;
  double bid_size = 0;
  double ask_size = 0;
  SABOT_FIELDS(Quote, bid, ask, bid_size, ask_size)
};

}  // namespace sabot::market
