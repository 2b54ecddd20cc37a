"""What each kernel computes, written a second time from its definition: slowly, in plain Python, sums without rounding.

One file a family, one function a kernel; `rules` has what all kernels share: missing values and keys.
"""

from reference import (
    cross_asset,
    crypto,
    execution,
    features,
    fx,
    liquidity,
    microstructure,
    momentum,
    online_statistics,
    order_flow,
    risk,
    safety,
    volatility,
)
from reference.compare import assert_agree, bits, differences
from reference.rules import REFERENCES, Expected, Reference, compute, largest_of_last

__all__ = [
    "REFERENCES",
    "Expected",
    "Reference",
    "assert_agree",
    "bits",
    "compute",
    "cross_asset",
    "crypto",
    "differences",
    "execution",
    "features",
    "fx",
    "largest_of_last",
    "liquidity",
    "microstructure",
    "momentum",
    "online_statistics",
    "order_flow",
    "risk",
    "safety",
    "volatility",
]
