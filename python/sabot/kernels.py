"""Kernels as objects that keep their state, alone (Kernel) or as one fused pass (Chain), and as functions."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextvars import ContextVar
from typing import Any, ClassVar, Protocol, Self, cast

import pyarrow as pa

from sabot import _native, tables
from sabot.errors import OptionError, SnapshotError
from sabot.kernel_info import (
    KernelInfo,
    class_help,
    engine_option,
    function_help,
    literal,
    python_option,
    signature,
)
from sabot.registry import CLASSES, KERNELS
from sabot.tables import ArrowData, DataT

__all__ = ["Chain", "Kernel", "chain"]

# Name, options, columns, outputs: what the engine makes a kernel of.
Spec = tuple[str, dict[str, Any], dict[str, str], dict[str, str]]

_DEFAULT_BY = "symbol"


def make_spec(
    name: str,
    column: str | None,
    columns: Mapping[str, str] | None,
    outputs: Mapping[str, str] | None,
    options: Mapping[str, Any],
) -> Spec:
    """The engine's form of a kernel's arguments. What they say is checked there."""
    if "lambda_" in options:
        options = {engine_option(option): value for option, value in options.items()}
    bound = _names("columns", columns) if columns else {}
    if column is not None:
        if "x" in bound:
            raise OptionError(f"{name}: column= and columns={{'x': ...}} say the same. Give one of them.")
        info = KERNELS.get(name) or CLASSES.get(name)
        if info is not None and all(entry.role != "x" for entry in info.inputs):
            roles = ", ".join(repr(entry.role) for entry in info.inputs)
            raise OptionError(
                f"{name}: column= is short for input 'x', which it does not have. "
                f"Bind its inputs ({roles}) with columns={{role: column}}."
            )
        bound["x"] = column
    return (name, dict(options), bound, _names("outputs", outputs) if outputs else {})


def make_by(by: str | Sequence[str]) -> list[str]:
    """One key column or several."""
    if isinstance(by, str):
        return [by]
    if not isinstance(by, Sequence) or not all(isinstance(column, str) for column in by):
        raise TypeError(f"by= must be the name of a key column or a list of such names, found {by!r}.")
    return list(by)


def _names(argument: str, names: Mapping[str, str]) -> dict[str, str]:
    if isinstance(names, Mapping) and all(isinstance(name, str) for pair in names.items() for name in pair):
        return dict(names)
    raise TypeError(f"{argument}= must be a dict of names to names, found {names!r}.")


class Kernel:
    """A kernel with its state, which goes on from call to call. Each kernel is a class of its own in sabot.fintech."""

    info: ClassVar[KernelInfo]  # What the registry says of it.
    _chain: _native.Chain

    __slots__ = ("_chain",)

    def __init__(
        self,
        *,
        by: str | Sequence[str] = _DEFAULT_BY,
        column: str | None = None,
        columns: Mapping[str, str] | None = None,
        outputs: Mapping[str, str] | None = None,
        **options: Any,
    ) -> None:
        if type(self) is Kernel:
            raise TypeError("Kernel is the base of the kernels' classes. Make one of those, such as EWMAKernel.")
        self._chain = _native.Chain([make_spec(self.info.name, column, columns, outputs, options)], make_by(by))

    def __call__(self, data: DataT) -> DataT:
        """Compute the next rows.

        Input:   rows that follow those of the call before, with the same columns.
        Returns: data's columns, then the outputs, as the kind of table that was given. Of a RecordBatchReader, a
                 reader that computes a batch when it is asked for.
        State:   goes on. After an error it is that of a part of the rows: restore a snapshot.
        Raises:  SchemaError, if a column is missing or of another type, an output exists already, or the columns are
                 not those of the call before. DataError, if a time overflows.
        """
        return cast(DataT, tables.run(data, self._chain))

    def snapshot(self) -> pa.Table:
        """The state as a table with a row a key.

        Returns: the key columns, then the kernel's own. The schema's metadata names kernel, options and columns. Rows
                 may be taken out by key, put together with those of another snapshot of the same kernel and options,
                 and written to a file that keeps the metadata.
        """
        return tables.table_of(self._chain.snapshot(0))

    @classmethod
    def restore(cls, snapshot: ArrowData) -> Self:
        """A kernel that goes on, bit for bit, where the snapshot was taken.

        Input:   what snapshot() returned.
        Raises:  SnapshotError, if it is no snapshot, or one of another kernel or version, or holds a key twice.
        """
        spec, by = _native.Chain.spec_of(snapshot)
        info = KERNELS.get(spec[0])
        kind = None if info is None else _classes.get(info.class_name)
        if kind is None or not issubclass(kind, cls):
            raise SnapshotError(
                f"{cls.__name__}.restore: the snapshot is of {spec[0]}. "
                + ("Sabot has no such kernel." if info is None else f"Restore it with {info.class_name}.restore.")
            )
        kernel = kind if cls is Kernel else cls
        restored = kernel._of_spec(spec, by)
        restored._chain.restore(0, snapshot)
        return restored

    @classmethod
    def _of_spec(cls, spec: Spec, by: list[str]) -> Self:
        kernel = cls.__new__(cls)
        kernel._chain = _native.Chain([spec], by)
        return kernel

    @property
    def _spec(self) -> Spec:
        return cast(Spec, self._chain.kernels[0])

    @property
    def options(self) -> dict[str, Any]:
        """The options, with defaults spelled out."""
        return {python_option(name): value for name, value in self._spec[1].items()}

    @property
    def by(self) -> list[str]:
        """The key columns."""
        return list(self._chain.by)

    @property
    def columns(self) -> dict[str, str]:
        """Input role -> column, where it was given."""
        return dict(self._spec[2])

    @property
    def outputs(self) -> dict[str, str]:
        """Output -> its name, where it was given."""
        return dict(self._spec[3])

    def __repr__(self) -> str:
        arguments = [f"{name}={literal(value)}" for name, value in self.options.items()]
        arguments += [f"by={by_text(self.by)}"] if self.info.stateful else []
        arguments += [f"{name}={value!r}" for name in ("columns", "outputs") if (value := getattr(self, name))]
        return f"{type(self).__name__}({', '.join(arguments)})"


# A kernel as a user names it: its name, its class (default options), or an object (its options, not its state).
KernelLike = str | type[Kernel] | Kernel

_classes: dict[str, type[Kernel]] = {}


def by_text(by: Sequence[str]) -> str:
    """One column as itself, several as a list."""
    return repr(by[0] if len(by) == 1 else list(by))


class Chain:
    """Several kernels on one key as one fused pass, with their state. Later kernels may read outputs of earlier ones.

    Input:   kernels as names, classes or objects; of an object its options are taken, its state neither read nor
             changed.
    by:      the key of all; unless given, that of the kernels.
    Raises:  OptionError, if the kernels' keys differ, or an option is unknown or out of its range.
    """

    __slots__ = ("_chain",)

    def __init__(self, kernels: Iterable[KernelLike], /, *, by: str | Sequence[str] | None = None) -> None:
        kernels = list(kernels)
        self._chain = _native.Chain(
            [spec_of(kernel) for kernel in kernels], _key_of(kernels) if by is None else make_by(by)
        )

    def __call__(self, data: DataT) -> DataT:
        """Compute the next rows. As Kernel.__call__, with the outputs of all kernels in their order."""
        return cast(DataT, tables.run(data, self._chain))

    def snapshot(self) -> list[pa.Table]:
        """The state as one table a kernel. See Kernel.snapshot."""
        return [tables.table_of(self._chain.snapshot(index)) for index in range(len(self._chain.kernels))]

    @classmethod
    def restore(cls, snapshots: Iterable[ArrowData]) -> Self:
        """A chain that goes on, bit for bit, where the snapshots were taken.

        Input:   what snapshot() returned, in its order.
        Raises:  SnapshotError, if one is no snapshot, is of another version, has another key, or holds a key twice.
        """
        snapshots = list(snapshots)
        found = [_native.Chain.spec_of(snapshot) for snapshot in snapshots]
        keys = {tuple(by) for (name, *_), by in found if KERNELS[name].stateful}
        if len(keys) > 1:
            listed = ", ".join(by_text(by) for by in sorted(keys))
            raise SnapshotError(f"Chain.restore: the snapshots have different keys: {listed}. A chain has one.")
        restored = cls.__new__(cls)
        restored._chain = _native.Chain([spec for spec, _ in found], list(next(iter(keys), (_DEFAULT_BY,))))
        for index, snapshot in enumerate(snapshots):
            restored._chain.restore(index, snapshot)
        return restored

    @property
    def kernels(self) -> list[Kernel]:
        """The kernels, as fresh objects."""
        by = list(self._chain.by)
        return [_classes[KERNELS[spec[0]].class_name]._of_spec(spec, by) for spec in self._chain.kernels]

    @property
    def by(self) -> list[str]:
        """The key columns."""
        return list(self._chain.by)

    def __repr__(self) -> str:
        return f"Chain({self.kernels!r})"


class CallSites(Protocol):
    """Who keeps the state of kernel functions that a function of a stream calls."""

    def call(self, data: Any, specs: list[Spec], by: list[str]) -> Any:
        """The outputs beside data's columns, with the state of this place in the sequence of calls."""


# Set while a function of a stream runs.
call_sites: ContextVar[CallSites | None] = ContextVar("call_sites", default=None)


def call(data: Any, specs: list[Spec], by: list[str]) -> Any:
    """Run kernels from fresh state; inside a function of a stream, from the state that its call site has."""
    sites = call_sites.get()
    return tables.run(data, _native.Chain(specs, by)) if sites is None else sites.call(data, specs, by)


def chain(data: DataT, kernels: Iterable[KernelLike], /, *, by: str | Sequence[str] | None = None) -> DataT:
    """Run several kernels over data as one fused pass. Later kernels may read outputs of earlier ones.

    Input:   data with the columns of all kernels; kernels as names, classes or objects; of an object its options are
             taken, its state neither read nor changed.
    by:      the key of all; unless given, that of the kernels.
    Returns: data's columns, then each kernel's outputs, as the kind of table that was given. Each call starts from
             fresh state.
    Raises:  SchemaError, if a column is missing or of another type, or an output exists already. OptionError, if the
             kernels' keys differ, or an option is unknown or out of its range.
    """
    kernels = list(kernels)
    specs = [spec_of(kernel) for kernel in kernels]
    return cast(DataT, call(data, specs, _key_of(kernels) if by is None else make_by(by)))


def spec_of(kernel: KernelLike) -> Spec:
    """The engine's form of a kernel as a user names it."""
    if isinstance(kernel, Kernel):
        return kernel._spec
    return (name_of(kernel), {}, {}, {})


def name_of(kernel: str | type[Kernel]) -> str:
    """The name the engine knows a kernel by; an unknown one is reported there."""
    if isinstance(kernel, str):
        return kernel
    if isinstance(kernel, type) and issubclass(kernel, Kernel) and kernel is not Kernel:
        return kernel.info.name
    from sabot.python_kernel import PythonKernel

    named = getattr(kernel, "__name__", "")
    if isinstance(kernel, PythonKernel) or (isinstance(kernel, type) and issubclass(kernel, PythonKernel)):
        raise TypeError(
            f"{named or type(kernel).__name__} is written in Python, and runs alone: call it with data, or use "
            f"Stream.kernel."
        )
    hint = f" Write {named!r}." if named in KERNELS else ""
    raise TypeError(f"expected a kernel's name, class or object, found {kernel!r}.{hint}")


def _key_of(kernels: Iterable[KernelLike]) -> list[str]:
    keys = {tuple(kernel._chain.by) for kernel in kernels if isinstance(kernel, Kernel) and kernel.info.stateful}
    if len(keys) > 1:
        listed = ", ".join(by_text(by) for by in sorted(keys))
        raise OptionError(f"chain: the kernels have different keys: {listed}. Give the key of all with by=.")
    return list(next(iter(keys), (_DEFAULT_BY,)))


def make_class(info: KernelInfo) -> type[Kernel]:
    """The class of a kernel."""
    made = type(
        info.class_name,
        (Kernel,),
        {
            "__slots__": (),
            "__module__": "sabot.fintech",
            "__doc__": class_help(info),
            "__signature__": signature(info, takes_data=False),
            "info": info,
        },
    )
    _classes[info.class_name] = made
    return made


def make_function(info: KernelInfo) -> Callable[..., Any]:
    """The function of a kernel: a fresh chain for each call."""
    name = info.name

    def function(
        data: Any,
        /,
        *,
        by: str | Sequence[str] = _DEFAULT_BY,
        column: str | None = None,
        columns: Mapping[str, str] | None = None,
        outputs: Mapping[str, str] | None = None,
        **options: Any,
    ) -> Any:
        return call(data, [make_spec(name, column, columns, outputs, options)], make_by(by))

    function.__name__ = function.__qualname__ = name
    function.__module__ = "sabot.fintech"
    function.__doc__ = function_help(info)
    function.__signature__ = signature(info, takes_data=True)  # type: ignore[attr-defined]
    return function
