"""Writes fintech.pyi, the type stub of sabot.fintech, whose functions and classes follow from the engine's registry.

    python write_stubs.py <directory with the built _native> <fintech.pyi, or the directory to write it to>

The build calls it. Nothing of the package needs to be installed.
"""

import importlib
import importlib.util
import sys
import textwrap
from pathlib import Path
from types import ModuleType

HEADER = '''\
"""The kernels: for each row of the engine's registry a function and a class."""

from collections.abc import Mapping, Sequence
from typing import TypeVar

from sabot.kernels import Chain as Chain
from sabot.kernels import Kernel as Kernel
from sabot.kernels import chain as chain
from sabot.kernel_info import KernelInfo
from sabot.schedules import optimal_ac_schedule as optimal_ac_schedule
from sabot.tables import TableData

_DataT = TypeVar("_DataT", bound=TableData)

__all__: list[str]

def kernels() -> list[KernelInfo]:
    """Every kernel: its name, inputs, outputs, options and documentation."""
'''

ARGUMENTS = (
    "by: str | Sequence[str] = 'symbol'",
    "column: str | None = None",
    "columns: Mapping[str, str] | None = None",
    "outputs: Mapping[str, str] | None = None",
)


def load_kernel_info() -> ModuleType:
    """sabot.kernel_info alone: the package around it cannot be imported before it is installed."""
    path = Path(__file__).resolve().parents[1] / "sabot" / "kernel_info.py"
    spec = importlib.util.spec_from_file_location("kernel_info", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["kernel_info"] = module
    spec.loader.exec_module(module)
    return module


def definition(start: str, arguments: list[str], end: str, summary: str, indent: str = "") -> str:
    lines = [f"{start}(", *(f"    {argument}," for argument in arguments), f"){end}:", f'    """{summary}"""']
    return textwrap.indent("\n".join(lines), indent) + "\n"


def stub(build_directory: str) -> str:
    sys.path.insert(0, build_directory)
    native = importlib.import_module("_native")
    kernel_info = load_kernel_info()
    parts = [HEADER]
    for row in native.registry():
        info = kernel_info.KernelInfo.from_row(row)
        defaults = {
            option.name: "" if option.required else f" = {kernel_info.literal(option.default)}"
            for option in info.options
        }
        options = [*ARGUMENTS, *(f"{option.name}: {option.type}{defaults[option.name]}" for option in info.options)]
        parts.append(definition(f"def {info.name}", ["data: _DataT", "/", "*", *options], " -> _DataT", info.summary))
        init = definition("def __init__", ["self", "*", *options], " -> None", "See the class.", " " * 4)
        parts.append(f'class {info.class_name}(Kernel):\n    """{info.summary}"""\n\n{init}')
    return "\n".join(parts)


if __name__ == "__main__":
    output = Path(sys.argv[2])
    (output / "fintech.pyi" if output.is_dir() else output).write_text(stub(sys.argv[1]))
