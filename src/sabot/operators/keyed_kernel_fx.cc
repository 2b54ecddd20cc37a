#include "sabot/kernels/fx.h"
#include "sabot/operators/keyed_kernel_driver.h"

SABOT_KEYED_KERNELS(Fx)
