#include "sabot/kernels/online_statistics.h"
#include "sabot/operators/keyed_kernel_driver.h"

SABOT_KEYED_KERNELS(OnlineStatistics)
