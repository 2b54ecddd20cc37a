#include "sabot/kernels/order_flow.h"
#include "sabot/operators/keyed_kernel_driver.h"

SABOT_KEYED_KERNELS(OrderFlow)
