#include "sabot/kernels/cross_asset.h"
#include "sabot/operators/keyed_kernel_driver.h"

SABOT_KEYED_KERNELS(CrossAsset)
