#include "sabot/kernels/features.h"
#include "sabot/operators/keyed_kernel_driver.h"

SABOT_KEYED_KERNELS(Features)
