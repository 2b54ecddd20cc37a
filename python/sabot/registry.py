"""The engine's kernels by name, read once; those of libraries that are loaded later are added."""

from collections.abc import Iterable, Mapping
from typing import Any

from sabot import _native
from sabot.kernel_info import KernelInfo

__all__ = ["CLASSES", "KERNELS", "add_kernels"]

KERNELS: dict[str, KernelInfo] = {}
CLASSES: dict[str, KernelInfo] = {}


def add_kernels(rows: Iterable[Mapping[str, Any]]) -> list[KernelInfo]:
    """Add kernels as the engine describes them. One that is there stays."""
    infos = [KernelInfo.from_row(row) for row in rows]
    for info in infos:
        KERNELS.setdefault(info.name, info)
        CLASSES.setdefault(info.class_name, info)
    return [KERNELS[info.name] for info in infos]


add_kernels(_native.registry())
