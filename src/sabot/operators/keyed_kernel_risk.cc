#include "sabot/kernels/risk.h"
#include "sabot/operators/keyed_kernel_driver.h"

SABOT_KEYED_KERNELS(Risk)
