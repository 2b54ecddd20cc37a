"""The loops of hand_loops.cc, called with the addresses of Arrow columns."""

import ctypes
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from contest import Calls
from ticks import SYMBOLS, Ticks

MALLOC, HUGE_PAGES = 0, 1
NAMES = {HUGE_PAGES: "hand loop, huge pages", MALLOC: "hand loop, malloc"}

# Case -> kernel of hand_loops.cc.
KERNELS = {
    name: name.removesuffix("_nulls")
    for name in (
        *("midprice", "midprice_nulls", "ewma", "diff", "ofi", "log_returns", "vwap"),
        *("rolling_std", "rolling_zscore", "bollinger_bands", "chain_of_ten"),
    )
}
OUTPUTS_MAX = 16


class _Column(ctypes.Structure):
    _fields_ = [("values", ctypes.c_void_p), ("validity", ctypes.c_void_p)]


_COLUMNS = ["price", "volume", "side", "bid", "ask", "bid_size", "ask_size"]


class _Ticks(ctypes.Structure):
    _fields_ = [
        ("rows", ctypes.c_int64),
        ("symbols", ctypes.c_int64),
        ("symbol", ctypes.c_void_p),
        *((name, _Column) for name in _COLUMNS),
    ]


class _Output(ctypes.Structure):
    _fields_ = [("values", ctypes.c_void_p), ("validity", ctypes.c_void_p)]


class Result:
    """The outputs of one run, freed with it."""

    def __init__(self, library: ctypes.CDLL, rows: int, outputs: Any, count: int) -> None:
        self._library, self._rows, self._outputs, self._count = library, rows, outputs, count

    def columns(self) -> list[np.ndarray]:
        """Copies with NaN for null."""
        columns = []
        for output in self._outputs[: self._count]:
            values = np.ctypeslib.as_array(ctypes.cast(output.values, ctypes.POINTER(ctypes.c_double)), (self._rows,))
            words = ctypes.cast(output.validity, ctypes.POINTER(ctypes.c_uint8))
            bits = np.ctypeslib.as_array(words, ((self._rows + 7) // 8,))
            present = np.unpackbits(bits, bitorder="little", count=self._rows).astype(bool)
            columns.append(np.where(present, values, np.nan))
        return columns

    def __del__(self) -> None:
        self._library.hand_loop_release(self._outputs, self._count)


def contender(ticks: Ticks, library_path: Path, memory: int) -> Calls:
    """The loops, with outputs in one kind of memory."""
    library = ctypes.CDLL(str(library_path))
    inputs = {table: _inputs(ticks[table]) for table in ("ticks", "nulls")}

    def run(case: str) -> Result:
        given = inputs["nulls" if case.endswith("_nulls") else "ticks"]
        outputs = (_Output * OUTPUTS_MAX)()
        count = library.hand_loop_run(KERNELS[case].encode(), ctypes.byref(given), memory, outputs)
        if count == 0:
            raise ValueError(f"hand_loops.cc has no kernel {KERNELS[case]}")
        return Result(library, given.rows, outputs, count)

    calls = {case: (lambda case=case: run(case)) for case in KERNELS}
    return Calls(NAMES[memory], 1, calls, lambda _, result: result.columns())


def _inputs(table: pa.Table) -> _Ticks:
    inputs = _Ticks(rows=len(table), symbols=SYMBOLS)
    inputs.symbol = table.column("symbol").chunk(0).indices.buffers()[1].address
    for name in _COLUMNS:
        if name in table.column_names:
            validity, values = table.column(name).chunk(0).buffers()
            setattr(inputs, name, _Column(values.address, validity.address if validity else None))
    return inputs
