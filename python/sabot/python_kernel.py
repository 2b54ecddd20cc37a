"""PythonKernel: a kernel that a user writes as a Python class, called with the rows of many keys at once."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self, cast

import pyarrow as pa

from sabot import tables
from sabot.kernels import by_text, make_by
from sabot.tables import ArrowData, ArrowStream, DataT

__all__ = ["PythonKernel"]


class PythonKernel:
    """A kernel of your own. Derive a class from it, and use objects of that class as those of `sabot.fintech`.

    inputs:  role -> default column. A number arrives as float64; of {"time": pa.field("timestamp", pa.int64())} the
             column is a time, int64 nanoseconds since the epoch.
    outputs: name -> type: pa.float64(), pa.int64(), pa.bool_() or pa.string().
    options: class attributes with a type (float, int, bool, str, Literal[...], each perhaps `| None`) and maybe a
             default: `span: float = 10.0`. check(self) may raise ValueError for a value out of its range.
    state:   name -> what each key begins with: a number, a bool, or an array of numbers for a ring. Where that follows
             from options, write initial_state(self), which returns such a dict.
    version: raise it when the state changes its meaning: snapshots of other versions are refused.

    def update(self, state, slots, price): returns an array, or of several outputs a dict of arrays.

    It is called with rows whose inputs are all there and finite, and whose key is not null, in order: an array a role,
    read-only, and `slots`, which says whose row each is. `state[name]` is an array with an entry a slot, so that
    `state[name][slots]` is what the keys of the rows remember; write to it. The order of rows of one key is yours to
    keep: see sabot.previous and sabot.rounds. All other rows get null and change nothing; a NaN or infinity that is
    returned becomes null, too. A masked array gives nulls of any type.

    A kernel without state has `def compute(self, price)` instead. def valid(self, price), if there is one, returns an
    array of bools: a row for which it is False counts as missing.

    An object cannot be changed: what a kernel remembers, it declares. sabot.testing.check_kernel tries one.

    Raises:  OptionError, if an option is unknown, of another type or out of its range. TypeError, if the class
             declares something that is none of the above.
    """

    inputs: ClassVar[Mapping[str, str | pa.Field]] = {}
    outputs: ClassVar[Mapping[str, pa.DataType]] = {}
    state: ClassVar[Mapping[str, Any]] = {}
    version: ClassVar[int] = 1

    by: list[str]  # The key columns.
    columns: dict[str, str]  # Input role -> column, where it was given.
    renamed: dict[str, str]  # Output -> its name, where it was given.
    options: dict[str, Any]  # With defaults spelled out.
    _running: Any  # A RunningKernel.

    def __init__(
        self,
        *,
        by: str | Sequence[str] = "symbol",
        column: str | None = None,
        columns: Mapping[str, str] | None = None,
        outputs: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:
        from sabot.kernel_declaration import declaration_of

        try:
            from sabot.running_kernel import RunningKernel
        except ModuleNotFoundError as error:
            raise ImportError("sabot: kernels written in Python need numpy. Run: pip install numpy") from error

        declared = declaration_of(type(self))
        given = declared.options_of(options)
        fixed = {
            "by": make_by(by),
            "columns": declared.columns_of(column, columns),
            "renamed": declared.renamed_of(outputs),
            "options": given,
            **given,
        }
        for name, value in fixed.items():
            object.__setattr__(self, name, value)
        declared.check(self)
        object.__setattr__(self, "_running", RunningKernel(self))

    def initial_state(self) -> Mapping[str, Any]:
        """What each key begins with: `state`, unless it follows from options."""
        return self.state

    def check(self) -> None:
        """Raise ValueError, if options are out of their range or contradict each other."""

    def __call__(self, data: DataT) -> DataT:
        """Compute the next rows.

        Input:   rows that follow those of the call before, with the same columns.
        Returns: data's columns, then the outputs, as the kind of table that was given.
        State:   goes on. After an error it is that of a part of the rows: restore a snapshot.
        Raises:  SchemaError, if a column is missing or of another type, an output exists already, or the columns are
                 not those of the call before. FunctionError, if update fails or returns something else than arrays
                 with a value a row.
        """
        return cast(DataT, tables.run(data, self._running))

    def snapshot(self) -> pa.Table:
        """The state as a table with a row a key: the key columns, then those of `state`. As Kernel.snapshot."""
        return cast(pa.Table, self._running.snapshot()[0])

    @classmethod
    def restore(cls, snapshot: ArrowData) -> Self:
        """A kernel that goes on, bit for bit, where the snapshot was taken.

        Raises:  SnapshotError, if it is no snapshot, or one of another kernel, version or state, or holds a key twice.
        """
        from sabot.kernel_declaration import spec_of_snapshot

        table = tables.table_of(cast(ArrowStream, snapshot))
        by, columns, renamed, options = spec_of_snapshot(cls, table.schema)
        kernel = cls(by=by, columns=columns, outputs=renamed, **options)
        kernel._running.restore([table])
        return kernel

    def fresh(self) -> Self:
        """The same kernel with the state it began with."""
        return type(self)(by=self.by, columns=self.columns, outputs=self.renamed, **self.options)

    def __setattr__(self, name: str, value: Any) -> None:
        raise AttributeError(
            f"{type(self).__name__}: '{name}' cannot be set: a kernel does not change. What it remembers of a key, "
            f"it declares in state, and writes as state['{name}'][slots]."
        )

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__}: '{name}' cannot be deleted: a kernel does not change.")

    def __repr__(self) -> str:
        arguments = [f"{name}={value!r}" for name, value in self.options.items()]
        arguments += [f"by={by_text(self.by)}"] if self._running.stateful else []
        arguments += [f"columns={self.columns!r}"] if self.columns else []
        arguments += [f"outputs={self.renamed!r}"] if self.renamed else []
        return f"{type(self).__name__}({', '.join(arguments)})"
