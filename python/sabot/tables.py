"""Every kind of table in, the same kind out.

Only the library that the data comes from is used, and that is imported by the time it hands us an object.
"""

import functools
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, Union

import pyarrow as pa

from sabot.errors import SabotError
from sabot.registry import KERNELS

if TYPE_CHECKING:
    import numpy as np

    from sabot import _native

__all__ = ["ArrowArray", "ArrowData", "ArrowStream", "DataT", "NumpyData", "TableData"]


class ArrowStream(Protocol):
    """What can be read as an Arrow C stream."""

    def __arrow_c_stream__(self, requested_schema: Any = None) -> Any:
        """A capsule named "arrow_array_stream"."""


class ArrowArray(Protocol):
    """What can be read as one Arrow C array."""

    def __arrow_c_array__(self, requested_schema: Any = None) -> Any:
        """Capsules named "arrow_schema" and "arrow_array"."""


ArrowData = ArrowStream | ArrowArray
# A dict of arrays, or a structured array. Not with |, which would need numpy to be there.
NumpyData = Union[Mapping[str, "np.ndarray[Any, Any]"], "np.ndarray[Any, Any]"]
TableData = ArrowData | NumpyData
DataT = TypeVar("DataT", bound=TableData)

# Runs data of one type through a chain.
Runner = Callable[[Any, "_native.Chain"], Any]

_runners: dict[type, Runner] = {}


def run(data: Any, chain: "_native.Chain") -> Any:
    """The chain's outputs beside data's columns, as the kind of table that data is."""
    kind = type(data)
    runner = _runners.get(kind)
    if runner is None:
        runner = _runners[kind] = _runner_of(kind)
    return runner(data, chain)


def table_of(result: ArrowStream) -> pa.Table:
    """A pyarrow table of what the engine returns. pyarrow.table would import pandas to ask whether it is a frame."""
    return pa.RecordBatchReader.from_stream(result).read_all()


def _run_batch(data: Any, chain: "_native.Chain") -> Any:
    return pa.record_batch(chain.process(data, False))


def _run_table(data: Any, chain: "_native.Chain") -> Any:
    return table_of(chain.process(data, False))


def _run_reader(data: Any, chain: "_native.Chain") -> Any:
    schema = pa.schema(chain.bind(data.schema))
    return pa.RecordBatchReader.from_batches(schema, (_run_batch(batch, chain) for batch in data))


def _run_polars(data: Any, chain: "_native.Chain") -> Any:
    return data.hstack(sys.modules["polars"].DataFrame(chain.process(data, True)))


def _run_pandas(data: Any, chain: "_native.Chain") -> Any:
    columns = table_of(chain.process(_what_is_read(data, chain), True))
    new = columns.to_pandas(types_mapper=_nullable_pandas_types().get)
    result = data.copy(deep=False)
    for name in new.columns:
        result[name] = new[name].array
    return result


def _what_is_read(data: Any, chain: "_native.Chain") -> Any:
    """The columns of a pandas frame that the chain may read: all others would be converted in vain.

    All columns, where one is missing or an output exists already: the engine's message says so, and names them.
    """
    read, needed, written = _columns_of(chain)
    present = set(data.columns)
    chosen = [column for column in data.columns if column in read]
    if not needed <= present or written & present or len(chosen) != len(set(chosen)):
        return data
    columns = {column: data[column] for column in chosen}  # data[chosen] would copy them.
    return sys.modules["pandas"].DataFrame(columns, index=data.index, copy=False)


def _columns_of(chain: "_native.Chain") -> tuple[set[str], set[str], set[str]]:
    """The columns that a chain may read, those of them that have to be there, and those that it appends."""
    read, needed, written = set(chain.by), set(chain.by) if chain.stateful else set(), set[str]()
    for name, _, columns, outputs in chain.kernels:
        info = getattr(chain, "info", None) or KERNELS[name]  # A kernel written in Python brings it.
        for entry in info.inputs:
            column = columns.get(entry.role, entry.column)
            read.add(column)
            if not entry.optional and column not in written:
                needed.add(column)
        written |= {outputs.get(output.name, output.name) for output in info.outputs}
    return read, needed, written


@functools.cache
def _nullable_pandas_types() -> dict[Any, Any]:
    """So that a column's type does not depend on whether it holds a null; floats have NaN for that."""
    pandas = sys.modules["pandas"]
    return {pa.int64(): pandas.Int64Dtype(), pa.bool_(): pandas.BooleanDtype()}


def _run_duckdb(data: Any, chain: "_native.Chain") -> Any:
    # A relation can only be used with others of its connection: the query, which runs there, finds this variable.
    __sabot_result__ = _run_table(data, chain)
    result = data.query("__sabot_input__", "SELECT * FROM __sabot_result__")
    if result.columns != __sabot_result__.column_names:
        raise SabotError("the database has a table called __sabot_result__, which hides the result. Rename that table.")
    return result


def _run_columns(data: Any, chain: "_native.Chain") -> Any:
    from sabot import numpy_tables

    return numpy_tables.run_columns(data, chain, _columns_of(chain)[0])


def _run_structured(data: Any, chain: "_native.Chain") -> Any:
    from sabot import numpy_tables

    return numpy_tables.run_structured(data, chain, _columns_of(chain)[0])


_RUNNERS: dict[tuple[str, str], Runner] = {
    ("pyarrow", "RecordBatch"): _run_batch,
    ("pyarrow", "Table"): _run_table,
    ("pyarrow", "RecordBatchReader"): _run_reader,
    ("polars", "DataFrame"): _run_polars,
    ("pandas", "DataFrame"): _run_pandas,
    ("duckdb", "DuckDBPyRelation"): _run_duckdb,
    ("_duckdb", "DuckDBPyRelation"): _run_duckdb,
    ("numpy", "ndarray"): _run_structured,
}

_WHAT_TO_CALL = {
    ("polars", "LazyFrame"): "Give its rows: .collect()",
    ("polars", "Series"): "Give a table: .to_frame()",
    ("pandas", "Series"): "Give a table: .to_frame()",
    ("pyarrow", "Dataset"): "Give its rows: .scanner().to_reader() batch by batch, or .to_table()",
    ("pyarrow", "Scanner"): "Give its rows: .to_reader() batch by batch, or .to_table()",
    ("pyarrow", "Array"): "Give a table: pyarrow.record_batch({'name': array, ...})",
    ("numpy", "NpzFile"): "Give its arrays: dict(...)",
    ("pyarrow", "ChunkedArray"): "Give a table: pyarrow.table({'name': array, ...})",
}


def _runner_of(kind: type) -> Runner:
    for base in names_of(kind):
        if base in _RUNNERS:
            return _RUNNERS[base]
    if issubclass(kind, dict) and not hasattr(kind, "__arrow_c_stream__"):
        return _run_columns
    check_kind(kind)
    return _run_table if hasattr(kind, "__arrow_c_stream__") else _run_batch


def check_kind(kind: type) -> None:
    """Raise a TypeError that says what to call, for a type that holds no table."""
    for base in names_of(kind):
        if base in _WHAT_TO_CALL:
            raise TypeError(f"{kind.__module__.partition('.')[0]}.{kind.__name__} is no table. {_WHAT_TO_CALL[base]}.")
    if not hasattr(kind, "__arrow_c_stream__") and not hasattr(kind, "__arrow_c_array__"):
        raise TypeError(
            f"expected a table that Arrow can read (pyarrow, polars, pandas, duckdb, or any object with "
            f"__arrow_c_stream__ or __arrow_c_array__), found {kind.__name__}. "
            f"pyarrow.table(...) makes one of a dict of columns."
        )


def names_of(kind: type) -> list[tuple[str, str]]:
    """A type and its bases by package and name, so that nothing needs to be imported to ask what it is."""
    return [(base.__module__.partition(".")[0], base.__name__) for base in kind.__mro__]
