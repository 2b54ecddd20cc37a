"""Python functions as steps of a stream: what is learned of one before it runs, and how it is called.

A function takes a record batch and returns Arrow data. It is called once on an empty batch, which tells the columns of
its output and which kernel functions it calls. Those keep their state across batches, one a call site: the first call
of a batch goes on where the first call of the batch before stopped.
"""

from collections.abc import Callable, Iterable
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from sabot import _native, tables
from sabot.errors import FunctionError, OptionError, SabotError, SchemaError, SnapshotError
from sabot.kernels import Spec, by_text, call_sites
from sabot.registry import KERNELS

__all__ = ["PlannedFunction", "plan"]

Function = Callable[[pa.RecordBatch], Any]


@dataclass(frozen=True)
class KernelCall:
    """A kernel function, or a chain of them, that a function called."""

    specs: list[Spec]
    by: list[str]

    @property
    def stateful(self) -> bool:
        """A kernel in it remembers rows of its key."""
        return any(KERNELS[name].stateful for name, *_ in self.specs)

    @property
    def pair(self) -> bool:
        """A kernel in it reads two symbols."""
        return any(KERNELS[name].pair for name, *_ in self.specs)

    def __str__(self) -> str:
        kernels = ", ".join(
            f"{name}({', '.join(f'{option}={value!r}' for option, value in options.items())})"
            for name, options, *_ in self.specs
        )
        return f"{kernels} by {by_text(self.by)}"


@dataclass(frozen=True)
class PlannedFunction:
    """What an empty batch told of a function."""

    verb: str  # "map" or "flat_map".
    function: Function
    schema: pa.Schema  # Of what it returns.
    calls: list[KernelCall] | None  # Of each batch; None: not known before the first one.
    only_calls_kernels: bool  # It is nothing but these calls, one on the result of the other.
    copies: int = 1  # How many of it work side by side.

    @property
    def name(self) -> str:
        """As in messages and explain()."""
        return f"{self.verb} {name_of(self.function)}"

    def check_copies(self) -> None:
        """Its rows come together by key only. Raises: OptionError, if it has copies and calls a kernel of a pair."""
        pair = next((call for call in self.calls or () if call.pair), None)
        if self.copies > 1 and pair is not None:
            raise OptionError(
                f"{self.name}: parallelism is {self.copies}, but it calls {pair}, which reads two symbols: their rows "
                f"come together in one copy only. Leave parallelism out."
            )

    def key(self, schema: pa.Schema, by: list[str] | None) -> list[str]:
        """By which columns rows come to its copies: by, or the key of the kernels with state that it calls."""
        if self.copies == 1:
            return []
        if self.verb == "flat_map":
            raise OptionError(
                f"{self.name}: parallelism is {self.copies}, but rows that it makes have no places of their own by "
                f"which those of several copies could be put in order. Use map, or leave parallelism out."
            )
        stateful = [call for call in self.calls or () if call.stateful]
        keys = list(dict.fromkeys(tuple(call.by) for call in stateful))
        if len(keys) > 1:
            raise OptionError(
                f"{self.name}: parallelism is {self.copies}, but it calls kernels by {by_text(keys[0])} and by "
                f"{by_text(keys[1])}, and rows can come together by one key only. Make it two functions, or leave "
                f"parallelism out."
            )
        if keys and by is not None and list(keys[0]) != by:
            raise OptionError(
                f"{self.name}: its rows come together by {by_text(by)}, but it calls {stateful[0]}. Leave by= out."
            )
        key = list(keys[0]) if keys else by or []
        for column in key:
            if column not in schema.names:
                raise SchemaError(
                    f"{self.name}: parallelism is {self.copies}, and rows come together by {by_text(key)}, but there "
                    f"is no column '{column}' before it. It has: {', '.join(schema.names)}. Make the column in a step "
                    f"before it, or leave parallelism out."
                )
        return key

    def fresh(self) -> "_RunningFunction":
        """The function for a run: kernels begin with fresh state."""
        return _RunningFunction(self)


def name_of(function: Any) -> str:
    """What a person would call it."""
    return getattr(function, "__qualname__", None) or type(function).__qualname__


def plan(
    verb: str, function: Function, schema: pa.Schema, output: pa.Schema | None, copies: int = 1
) -> PlannedFunction:
    """Call the function on an empty batch, unless the output's schema is given."""
    if not callable(function):
        raise TypeError(f"{verb}: expected a function from batch to batch, found {function!r}.")
    if output is not None:
        return PlannedFunction(verb, function, output, None, only_calls_kernels=False, copies=copies)
    name = f"{verb} {name_of(function)}"
    empty = pa.RecordBatch.from_pylist([], schema=schema)
    recorded = _RecordedCalls()
    try:
        with _active(recorded):
            result = function(empty)
    except SabotError as error:  # A missing column, say: the message is good as it is.
        error.add_note(f"It was raised by {name}, called on an empty batch to learn its columns.")
        raise
    except Exception as error:
        raise FunctionError(
            f"{name}: the function failed on an empty batch, which tells its columns before the first row: "
            f"{_text(error)}. Make it work on no rows, or give the columns of its output with schema=."
        ) from error
    batches = list(_batches(verb, name, result, "an empty batch"))
    if not batches:
        raise SchemaError(
            f"{name}: the function returned no batch for an empty one, so its columns are not known. "
            f"Give them with schema=."
        )
    only_calls_kernels = recorded.made(empty, result)
    return PlannedFunction(verb, function, _schema_of(batches[0]), recorded.calls, only_calls_kernels, copies)


@contextmanager
def _active(sites: Any) -> Any:
    token = call_sites.set(sites)
    try:
        yield
    finally:
        call_sites.reset(token)


@dataclass
class _RecordedCalls:
    """Runs the calls on what they are given, and remembers them."""

    calls: list[KernelCall] = field(default_factory=list)
    passed: list[tuple[Any, Any]] = field(default_factory=list)  # What went in and came out.

    def call(self, data: Any, specs: list[Spec], by: list[str]) -> Any:
        result = tables.run(data, _native.Chain(specs, by))
        self.calls.append(KernelCall(specs, by))
        self.passed.append((data, result))
        return result

    def made(self, given: Any, result: Any) -> bool:
        """Whether these calls alone make the result of what was given."""
        for went_in, came_out in self.passed:
            if went_in is not given:
                return False
            given = came_out
        return bool(self.passed) and given is result


class _RunningFunction:
    """A function in a run, with the state of its call sites."""

    def __init__(self, planned: PlannedFunction) -> None:
        self._planned = planned
        self._calls = planned.calls
        self._chains: list[_native.Chain] = []
        self._made: list[KernelCall] = []  # Calls of the batch under way.
        self._restored: list[list[pa.Table]] = []  # Of each copy of an earlier run, those that no call has taken yet.

    def call(self, data: Any, specs: list[Spec], by: list[str]) -> Any:
        at, made = len(self._made), KernelCall(specs, by)
        self._made.append(made)
        if self._calls is None and self._planned.copies > 1 and made.stateful:
            raise FunctionError(
                f"{self._planned.name}: it has {self._planned.copies} copies and calls {made}, which was not known "
                f"before: with schema= a function is not tried. Leave schema= or parallelism= out."
            )
        if self._calls is not None and (at >= len(self._calls) or self._calls[at] != made):
            planned = f"planned was {self._calls[at]}" if at < len(self._calls) else "none was planned"
            raise FunctionError(
                f"{self._planned.name}: kernel call {at + 1} is {made}; {planned}. Kernels keep their state by their "
                f"place in the sequence of calls: make the same calls for each batch."
            )
        if at == len(self._chains):
            self._chains.append(self._begun(specs, by))
        return tables.run(data, self._chains[at])

    def __call__(self, batch: Any, where: str) -> list[Any]:
        """Called by the engine with a batch and the words for it in a message."""
        planned, self._made = self._planned, []
        try:
            with _active(self):
                result = planned.function(pa.record_batch(batch))
        except (FunctionError, SnapshotError):
            raise
        except Exception as error:
            raise FunctionError(f"{planned.name}: the function failed for {where}: {_text(error)}") from error
        if any(self._restored):
            raise SnapshotError(
                f"{planned.name}: the checkpoint has the state of more kernel calls than the {len(self._made)} that it "
                f"makes. Go on with the function it was taken of, or drop the state of this step."
            )
        if self._calls is None:
            self._calls = list(self._made)
        elif len(self._made) != len(self._calls):
            raise FunctionError(
                f"{planned.name}: {len(self._made)} kernel calls for {where}, planned were {len(self._calls)}. "
                f"Kernels keep their state by their place in the sequence of calls: make the same calls for each batch."
            )
        return list(_batches(planned.verb, planned.name, result, where))

    def snapshot(self) -> list[pa.Table]:
        """What its kernels remember, a table each, in the order of the calls."""
        known = [
            tables.table_of(chain.snapshot(kernel))
            for chain, call in zip(self._chains, self._calls or self._made, strict=False)
            for kernel in range(len(call.specs))
        ]
        return known + [pa.concat_tables(each) for each in zip(*self._restored, strict=True)]

    def restore(self, snapshot: list[Any]) -> None:
        """Go on from what snapshot() gave, once for each copy that there was."""
        self._restored.append([tables.table_of(each) for each in snapshot])

    def _begun(self, specs: list[Spec], by: list[str]) -> "_native.Chain":
        """The state of the next call site: fresh, or that of an earlier run."""
        chain = _native.Chain(specs, by)
        for copy in self._restored:
            if len(copy) < len(specs):
                raise SnapshotError(
                    f"{self._planned.name}: the checkpoint has no state of its call of {KernelCall(specs, by)}. Go on "
                    f"with the function it was taken of, or drop the state of this step."
                )
            for kernel in range(len(specs)):
                chain.restore(kernel, copy.pop(0))
        return chain


def _batches(verb: str, name: str, result: Any, where: str) -> Iterable[Any]:
    if hasattr(result, "__arrow_c_array__") or hasattr(result, "__arrow_c_stream__"):
        return [result]
    if verb == "flat_map" and isinstance(result, Iterable):
        found = list(result)
        if all(hasattr(each, "__arrow_c_array__") or hasattr(each, "__arrow_c_stream__") for each in found):
            return found
    expected = "a batch, or an iterable of batches" if verb == "flat_map" else "a batch"
    hint = " Does it lack a return?" if result is None else ""
    raise FunctionError(
        f"{name}: the function returned {'None' if result is None else type(result).__qualname__} for {where}, "
        f"expected {expected}.{hint}"
    )


def _schema_of(data: Any) -> pa.Schema:
    if isinstance(data, pa.RecordBatch | pa.Table):
        return data.schema
    return pa.RecordBatchReader.from_stream(data).schema if hasattr(data, "__arrow_c_stream__") else pa.schema(data)


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
