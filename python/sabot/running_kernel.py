"""A PythonKernel at work: keys to slots, missing rows left out, state in numpy arrays, outputs put back in place."""

import threading
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa

from sabot import _native
from sabot.errors import FunctionError, SabotError, SchemaError, SnapshotError
from sabot.kernel_columns import Array, bytes_of, column_of, described, read_only, to_arrow, values_of
from sabot.kernel_declaration import InputDeclaration, declaration_of, metadata_in, metadata_of
from sabot.kernel_info import InputInfo, KernelInfo, OutputInfo
from sabot.tables import table_of

if TYPE_CHECKING:
    from sabot.python_kernel import PythonKernel

__all__ = ["RunningKernel"]

_FEWEST_SLOTS = 64


class RunningKernel:
    """A kernel's state, and how it goes on. What a chain of the engine's kernels offers, too."""

    def __init__(self, kernel: "PythonKernel") -> None:
        self._kernel = kernel
        self._declared = declaration_of(type(kernel))
        self.stateful = self._declared.stateful
        self.by = list(kernel.by)
        self.kernels = [(self._declared.name, kernel.options, kernel.columns, kernel.renamed)]
        self._names = [kernel.renamed.get(name, name) for name, _ in self._declared.outputs]
        self._initial = _initial_state(self._declared.name, kernel) if self.stateful else {}
        self._arrays = {name: np.empty((0, *initial.shape), initial.dtype) for name, initial in self._initial.items()}
        self._keys = _native.KeyIndex(self.by)
        self._input: pa.Schema | None = None
        self._output = pa.schema([])
        self._lock = threading.Lock()

    @property
    def info(self) -> KernelInfo:
        """As of a kernel of the engine's registry, as far as it is known."""
        inputs = [
            InputInfo(entry.role, entry.column, "int64 ns" if entry.is_time else "float64", False, "")
            for entry in self._declared.inputs
        ]
        outputs = [OutputInfo(name, str(kind), "") for name, kind in self._declared.outputs]
        name = self._declared.name
        summary = (type(self._kernel).__doc__ or "").partition("\n")[0]
        return KernelInfo(
            name=name,
            class_name=name,
            family="",
            summary=summary,
            formula="",
            nulls="",
            source="",
            stateful=self.stateful,
            pair=False,
            missing="null",
            inputs=tuple(inputs),
            outputs=tuple(outputs),
            options=(),
        )

    # --- as a chain of kernels ---

    def bind(self, schema: Any) -> pa.Schema:
        """The schema of the output; from now on all rows have this one.

        Raises:  SchemaError, if a column is missing or of another type, or an output exists already.
        """
        schema = schema if isinstance(schema, pa.Schema) else pa.schema(schema)
        if self._input is not None:
            if not schema.equals(self._input):
                raise SchemaError(
                    f"{self._declared.name}: the schema changed between batches: it was ({_text(self._input)}), is "
                    f"({_text(schema)}). Give one schema to all batches, or start a new kernel."
                )
            return self._output
        for entry in self._declared.inputs:
            self._check_input(schema, entry)
        for name, (declared, _) in zip(self._names, self._declared.outputs, strict=True):
            if name in schema.names or self._names.count(name) > 1:
                raise SchemaError(
                    f"{self._declared.name}: output '{name}' exists already. Rename the output with "
                    f"outputs={{'{declared}': ...}}."
                )
        if self.stateful:
            self._keys.bind(schema)
        new = [pa.field(name, kind) for name, (_, kind) in zip(self._names, self._declared.outputs, strict=True)]
        self._output = pa.schema([*schema, *new], schema.metadata)
        self._input = schema
        return self._output

    def process(self, data: Any, new_columns_only: bool) -> pa.RecordBatch | pa.Table:
        """The outputs for the next rows, beside data's columns or alone."""
        with self._lock:
            if not isinstance(data, pa.RecordBatch):
                if hasattr(data, "__arrow_c_stream__"):
                    reader = pa.RecordBatchReader.from_stream(data)
                    schema = self.bind(reader.schema)
                    made = [self._appended(batch, new_columns_only) for batch in reader]
                    return pa.Table.from_batches(made, self._new_schema() if new_columns_only else schema)
                data = pa.record_batch(data)
            return self._appended(data, new_columns_only)

    def _appended(self, batch: pa.RecordBatch, new_columns_only: bool) -> pa.RecordBatch:
        schema = self.bind(batch.schema)
        outputs = self._run(batch)
        if new_columns_only:
            return pa.RecordBatch.from_arrays(outputs, schema=self._new_schema())
        return pa.RecordBatch.from_arrays([*batch.columns, *outputs], schema=schema)

    def _new_schema(self) -> pa.Schema:
        return pa.schema(list(self._output)[-len(self._names) :])

    # --- as a step of a stream ---

    def __call__(self, batch: Any, where: str) -> list[Any]:
        """Called by the engine with a batch and the words for it in a message."""
        try:
            return [self._appended(pa.record_batch(batch), False)]
        except SabotError as error:
            error.add_note(f"It was raised for {where}.")
            raise

    def snapshot(self) -> list[pa.Table]:
        """The state as one table."""
        with self._lock:
            return [self._state_table()]

    def _state_table(self) -> pa.Table:
        metadata = metadata_of(self._kernel)
        if not self.stateful or self._keys.size == 0:
            return pa.table({}, metadata=metadata)
        self._reserve(self._keys.size)
        keys = pa.record_batch(self._keys.keys())
        begun = np.flatnonzero(self._has_begun())
        fields, columns = list(keys.schema), [column.take(pa.array(begun)) for column in keys.columns]
        for name, array in self._arrays.items():
            if name in self.by:
                raise SnapshotError(
                    f"{self._declared.name}: key column '{name}' has the name of a part of the state. Rename the key "
                    f"column."
                )
            columns.append(to_arrow(array[begun]))
            fields.append(pa.field(name, columns[-1].type, nullable=False))
        return pa.Table.from_arrays(columns, schema=pa.schema(fields, metadata))

    def restore(self, snapshot: list[Any]) -> None:
        """Go on from what snapshot() gave. Tables with other keys may follow."""
        if len(snapshot) != 1:
            raise SnapshotError(f"{self._declared.name}: a snapshot is one table, found {len(snapshot)}.")
        table = snapshot[0] if isinstance(snapshot[0], pa.Table) else table_of(snapshot[0])
        said = [metadata_in(table.schema), metadata_of(self._kernel)]
        found, expected = (" ".join(each[f"sabot.{part}"] for part in _FINGERPRINT) for each in said)
        if found != expected:
            raise SnapshotError(
                f"the snapshot is of {found}, the kernel is {expected} (name, state version, options). Restore it into "
                f"a kernel of the same name, version and options, or start without it."
            )
        if table.num_rows == 0 or not self.stateful:
            return
        values = {name: self._restored(table, name) for name in self._arrays}
        before = self._keys.size
        slots = self._keys.insert(table)
        if self._keys.size - before != len(slots):
            raise SnapshotError(f"{self._declared.name}: the snapshot holds a key twice.")
        self._reserve(self._keys.size)
        for name, array in values.items():
            self._arrays[name][slots] = array

    def _restored(self, table: pa.Table, name: str) -> Array:
        expected = to_arrow(np.stack([self._initial[name]])).type
        found = table.schema.field(name).type if name in table.column_names else None
        if found != expected or table[name].null_count > 0:
            raise SnapshotError(
                f"{self._declared.name}: the snapshot's column '{name}' must be {expected} without nulls, found "
                f"{'none' if found is None else 'nulls' if found == expected else found}."
            )
        column = table[name].combine_chunks()
        if isinstance(column, pa.FixedSizeListArray):
            return np.asarray(column.flatten()).reshape(len(column), -1)
        return np.asarray(column)

    # --- rows ---

    def _run(self, batch: pa.RecordBatch) -> list[pa.Array]:
        rows = batch.num_rows
        inputs, there = {}, None
        for entry in self._declared.inputs:
            column = batch.column(self._kernel.columns.get(entry.role, entry.column))
            inputs[entry.role], present = values_of(column, entry.is_time, self._declared.name)
            if present is not None:
                there = present if there is None else there & present
        slots, keyed = self._keys.resolve(batch) if self.stateful else (None, None)
        if keyed is not None:
            there = keyed if there is None else there & keyed
        index = None  # Numbers of the rows that are used; None: all.
        if there is not None and not there.all():
            index, inputs = _chosen(index, inputs, there)
        if hasattr(self._kernel, "valid"):
            index, inputs = _chosen(index, inputs, self._valid(inputs))
        if rows == 0 or (index is not None and len(index) == 0):
            return self._outputs({}, index, rows)
        if not self.stateful:
            return self._outputs(self._called("compute", inputs), index, rows)
        self._reserve(self._keys.size)
        state = {name: array[: self._keys.size] for name, array in self._arrays.items()}
        result = self._called("update", inputs, state, slots if index is None else slots[index])
        self._keep(state)
        return self._outputs(result, index, rows)

    def _called(self, method: str, inputs: Mapping[str, Array], *first: Any) -> Any:
        try:
            return getattr(self._kernel, method)(*first, **inputs)
        except Exception as error:
            text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
            raise FunctionError(f"{self._declared.name}.{method} failed: {text}") from error

    def _valid(self, inputs: Mapping[str, Array]) -> Array:
        rows = len(next(iter(inputs.values())))
        found = np.asarray(self._called("valid", inputs))
        if found.dtype != np.bool_ or found.shape != (rows,):
            raise FunctionError(
                f"{self._declared.name}.valid returned {described(found)}, expected an array of {rows} bools."
            )
        return found

    def _reserve(self, slots: int) -> None:
        """Room for so many keys, in which those that are new begin."""
        for name, array in self._arrays.items():
            if len(array) < slots:
                grown = np.empty((max(2 * len(array), slots, _FEWEST_SLOTS), *array.shape[1:]), array.dtype)
                grown[: len(array)] = array
                grown[len(array) :] = self._initial[name]
                self._arrays[name] = grown

    def _has_begun(self) -> Array:
        """Keys that hold more than they began with: others have had no row that was used."""
        begun = np.zeros(self._keys.size, np.bool_)
        for name, array in self._arrays.items():
            begun |= (bytes_of(array[: self._keys.size]) != bytes_of(self._initial[name][None])).any(axis=1)
        return begun

    def _keep(self, state: dict[str, Any]) -> None:
        """Take arrays that were put into the state in place of those that it had."""
        if state.keys() != self._arrays.keys():
            new, gone = sorted(state.keys() - self._arrays.keys()), sorted(self._arrays.keys() - state.keys())
            what = f"has a new entry '{new[0]}'" if new else f"lost its entry '{gone[0]}'"
            raise FunctionError(
                f"{self._declared.name}.update: the state {what}. Declare what the kernel remembers in state."
            )
        for name, array in self._arrays.items():
            now, kept = state[name], array[: self._keys.size]
            if isinstance(now, np.ndarray) and now.shape == kept.shape and now.dtype == kept.dtype:
                if not np.shares_memory(now, kept):
                    kept[...] = now
                continue
            raise FunctionError(
                f"{self._declared.name}.update: state['{name}'] became {described(now)}, expected "
                f"{described(kept)}. Write into it: state['{name}'][slots] = ..."
            )

    def _outputs(self, result: Any, index: Array | None, rows: int) -> list[pa.Array]:
        """What was returned for the rows of the index, as columns."""
        declared = self._declared.outputs
        used = rows if index is None else len(index)
        if used == 0:
            return [pa.nulls(rows, kind) for _, kind in declared]
        if len(declared) == 1 and not isinstance(result, Mapping):
            result = {declared[0][0]: result}
        method = f"{self._declared.name}.{'update' if self.stateful else 'compute'}"
        if not isinstance(result, Mapping) or result.keys() != dict(declared).keys():
            names = ", ".join(repr(name) for name, _ in declared)
            found = f"a dict of {', '.join(map(repr, result))}" if isinstance(result, Mapping) else described(result)
            raise FunctionError(f"{method} returned {found}, expected a dict of {names}, an array each.")
        columns = [column_of(f"{method}: output '{name}'", result[name], kind, used) for name, kind in declared]
        if index is None:
            return columns
        places = np.zeros(rows, np.int64)
        places[index] = np.arange(used)
        unused = np.ones(rows, np.bool_)
        unused[index] = False
        return [column.take(pa.array(places, mask=unused)) for column in columns]

    def _check_input(self, schema: pa.Schema, entry: InputDeclaration) -> None:
        column = self._kernel.columns.get(entry.role, entry.column)
        where = f"{self._declared.name}: input '{entry.role}'"
        count = schema.names.count(column)
        if count == 0:
            raise SchemaError(
                f"{where} needs column '{column}', which is missing.{_native.nearest_names(column, schema.names)} Bind "
                f"another one with columns={{'{entry.role}': ...}}."
            )
        if count > 1:
            raise SchemaError(f"{where} reads column '{column}', which exists {count} times. Rename them apart.")
        kind = schema.field(column).type
        is_number = pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind)
        is_time = kind == pa.int64() or pa.types.is_timestamp(kind)
        if pa.types.is_null(kind) or (is_time if entry.is_time else is_number):
            return
        expected = "int64 (ns since the epoch) or a timestamp" if entry.is_time else "a number"
        raise SchemaError(
            f"{where} reads column '{column}', found type {kind}, expected {expected}. Convert the column or bind "
            f"another one with columns={{'{entry.role}': ...}}."
        )


_FINGERPRINT = ("kernel", "state_version", "options")


def _text(schema: pa.Schema) -> str:
    return ", ".join(f"{field.name}: {field.type}" for field in schema)


def _initial_state(name: str, kernel: "PythonKernel") -> dict[str, Array]:
    initial = {part: np.asarray(value) for part, value in kernel.initial_state().items()}
    if not initial:
        raise TypeError(f"{name}.initial_state declares nothing. A kernel without state has compute instead of update.")
    for part, value in initial.items():
        if not isinstance(part, str) or value.dtype.kind not in "biuf" or value.ndim > 1 or value.size == 0:
            raise TypeError(
                f"{name}: state '{part}' must begin with a number, a bool, or an array of numbers for a ring, found "
                f"{kernel.initial_state()[part]!r}."
            )
    return initial


def _chosen(index: Array | None, inputs: dict[str, Array], keep: Array) -> tuple[Array, dict[str, Array]]:
    """The rows that are kept of those that were chosen so far."""
    chosen = np.flatnonzero(keep) if index is None else index[keep]
    return chosen, {role: read_only(values[keep]) for role, values in inputs.items()}
