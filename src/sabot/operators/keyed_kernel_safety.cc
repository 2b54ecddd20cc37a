#include "sabot/kernels/safety.h"
#include "sabot/operators/keyed_kernel_driver.h"

SABOT_KEYED_KERNELS(Safety)
