"""There is no such package: importing it says where its names are."""

raise ImportError(
    "sabot._cython does not exist. Kernels, their classes (EWMAKernel, ...), create_fintech_operator and "
    "FintechKernelOperator are in sabot.fintech: `from sabot.fintech import EWMAKernel, create_fintech_operator`. "
    "Streams are in sabot.api, shuffles in sabot.shuffle."
)
