"""The engine's kernels by name, read once."""

from sabot import _native
from sabot.kernel_info import KernelInfo

__all__ = ["CLASSES", "KERNELS"]

KERNELS: dict[str, KernelInfo] = {row["name"]: KernelInfo.from_row(row) for row in _native.registry()}
CLASSES: dict[str, KernelInfo] = {info.class_name: info for info in KERNELS.values()}
