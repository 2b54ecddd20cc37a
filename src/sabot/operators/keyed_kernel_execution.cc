#include "sabot/kernels/execution.h"
#include "sabot/operators/keyed_kernel_driver.h"

SABOT_KEYED_KERNELS(Execution)
