"""Stream: where rows come from, the kernels they pass, where they go."""

import itertools
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from sabot import _native
from sabot.errors import OptionError, SabotError, SchemaError
from sabot.kernel import Kernel, by_text, make_by, make_spec, name_of
from sabot.tables import ArrowData, check_kind, names_of, table_of

__all__ = ["RunSummary", "Stream"]


@dataclass(frozen=True, slots=True)
class RunSummary:
    """What a run did."""

    rows_read: int
    rows_written: int
    seconds: float

    def __str__(self) -> str:
        return f"{self.rows_read:,} rows read, {self.rows_written:,} written in {self.seconds:.3f} s"


class Stream:
    """A pipeline: a source and the kernels its rows pass. Immutable: each call returns a new stream.

    The schema is known at once, so a mistake is reported by the line that made it. Nothing runs before the stream is
    iterated, collected or written; each run reads the source anew, from fresh state, a batch at a time.
    """

    __slots__ = ("_engine", "_source", "_steps")

    _engine: _native.Stream
    _source: "_PythonSource | None"  # Where the rows come from, if Python gives them.
    _steps: tuple[str, ...]

    def __init__(self) -> None:
        raise TypeError("a Stream begins with from_parquet, from_arrow, from_iter or from_generator.")

    @classmethod
    def _make(cls, engine: _native.Stream, source: "_PythonSource | None", *steps: str) -> "Stream":
        stream = cls.__new__(cls)
        stream._engine, stream._source, stream._steps = engine, source, steps
        return stream

    @classmethod
    def _from_source(cls, source: "_PythonSource", step: str) -> "Stream":
        return cls._make(_native.Stream.from_source(source.open, source.schema), source, step)

    # --- where rows come from ---

    @classmethod
    def from_parquet(
        cls, path: str | os.PathLike[str], *, columns: Sequence[str] | None = None, batch_rows: int = 65_536
    ) -> "Stream":
        """Read a Parquet file.

        Input:   the file at path, with some of its columns or all.
        Returns: its rows in file order, with columns in file order.
        Memory:  of a few batches of batch_rows rows, whatever the size of the file.
        Raises:  FileNotFoundError. DataError, if it is no Parquet file or is damaged; a damaged page shows itself when
                 it is read. SchemaError, if a column is missing.
        """
        if columns is not None and not columns:
            raise OptionError("from_parquet: columns=[] names no column. Leave it out for all.")
        native = _native.Stream.from_parquet(os.fspath(path), list(columns or ()), batch_rows)
        arguments = repr(os.fspath(path)) + (f", columns={list(columns)!r}" if columns else "")
        return cls._make(native, None, f"from_parquet({arguments})")

    @classmethod
    def from_arrow(cls, data: ArrowData) -> "Stream":
        """Read a table that is in memory, or a reader.

        Input:   anything Arrow can read: pyarrow, polars, pandas, duckdb, or an object with __arrow_c_stream__ or
                 __arrow_c_array__. Of a reader only one run is possible.
        Returns: its rows in their order, uncopied where the library hands out its own memory.
        Raises:  TypeError, if it is no table.
        """
        return cls._from_source(_source_of(data), f"from_arrow({_kind(data)})")

    @classmethod
    def from_iter(cls, batches: Iterable[ArrowData], *, schema: pa.Schema | None = None) -> "Stream":
        """Read batches as an iterable gives them.

        Input:   record batches, or tables, of one schema. Unless schema is given the first one is taken to learn it. An
                 iterator can be run once, a list or an object whose __iter__ starts over any number of times.
        Returns: their rows in their order.
        Raises:  SchemaError, if there is no batch and no schema; while running, if a batch has another schema than the
                 first. What the iterable raises.
        """
        read_once = "The iterator" if iter(batches) is batches else None
        if schema is None:
            iterator = iter(batches)
            first = next(iterator, None)
            if first is None:
                raise SchemaError("from_iter: there are no batches to learn the schema from. Give it with schema=.")
            schema, _ = _batches_of(first, 0)
            if read_once:
                batches = itertools.chain([first], iterator)
        wanted, given = schema, batches
        source = _PythonSource(wanted, lambda: _checked(given, wanted), read_once=read_once)
        return cls._from_source(source, f"from_iter({_kind(given)})")

    @classmethod
    def from_generator(
        cls,
        *,
        rows: int = 1_000_000,
        symbols: int = 100,
        seed: int = 1,
        kind: str = "ticks",
        batch_rows: int = 65_536,
        skew: float = 1.0,
        start_ns: int = 1_700_000_000_000_000_000,
        mean_gap_ns: int = 1_000_000,
        late: float = 0.0,
        gaps: float = 0.0,
        nulls: float = 0.0,
        dictionary_symbols: bool = True,
    ) -> "Stream":
        """Make a market up: the same options give the same rows, bit for bit.

        rows, symbols:       how many. Symbols are called S0000 and so on.
        kind:                "ticks", each row a trade and the quote standing at it; "trades"; "quotes".
        skew:                Zipf exponent of the symbols' activity; 0: all alike.
        start_ns:            event time of the first row; mean_gap_ns: mean time between rows.
        late:                share of rows whose event time lies behind, by up to 100 mean gaps.
        gaps:                share of rows before which the feed is silent for 1,000 mean gaps.
        nulls:               share of nulls in each column but symbol and times.
        dictionary_symbols:  symbol is a dictionary of strings, else strings.
        Returns: symbol, timestamp, local_timestamp, then by kind price, volume, side and bid, ask, bid_size, ask_size.
        Raises:  OptionError, if an option is out of its range.
        """
        native = _native.Stream.from_generator(
            rows=rows,
            symbols=symbols,
            seed=seed,
            kind=kind,
            batch_rows=batch_rows,
            skew=skew,
            start_ns=start_ns,
            mean_gap_ns=mean_gap_ns,
            late=late,
            gaps=gaps,
            nulls=nulls,
            dictionary_symbols=dictionary_symbols,
        )
        return cls._make(native, None, f"from_generator(rows={rows}, symbols={symbols}, seed={seed}, kind={kind!r})")

    # --- what happens to them ---

    def kernel(
        self,
        kernel: str | type[Kernel] | Kernel,
        /,
        *,
        by: str | Sequence[str] = "symbol",
        column: str | None = None,
        columns: Mapping[str, str] | None = None,
        outputs: Mapping[str, str] | None = None,
        **options: Any,
    ) -> "Stream":
        """Append a kernel's outputs. Neighbours with the same key run as one fused pass.

        Input:   the kernel by name ("ewma") or class (EWMAKernel), with its key, columns, outputs and options as in
                 sabot.fintech; or an object, which brings all of these and whose state is neither read nor changed.
        Returns: the columns so far, then the kernel's outputs, in row order.
        State:   what the kernel remembers, per key.
        Raises:  SchemaError, if a column is missing or of another type, or an output exists already. OptionError, if
                 the kernel or an option is unknown or out of its range.
        """
        if isinstance(kernel, Kernel):
            if column is not None or columns or outputs or options or make_by(by) not in (["symbol"], kernel.by):
                raise OptionError(
                    f"kernel: {kernel!r} brings its key, columns, outputs and options; give none beside it."
                )
            spec, keys = kernel._spec, kernel.by
        else:
            spec, keys = make_spec(name_of(kernel), column, columns, outputs, options), make_by(by)
        arguments = [repr(spec[0]), *(f"{name}={value!r}" for name, value in spec[1].items())]
        arguments += [f"by={by_text(keys)}"] if keys != ["symbol"] else []
        arguments += [f"{name}={value!r}" for name, value in (("columns", spec[2]), ("outputs", spec[3])) if value]
        step = f"kernel({', '.join(arguments)})"
        return self._make(self._engine.kernel(*spec, keys), self._source, *self._steps, step)

    @property
    def schema(self) -> pa.Schema:
        """Of the rows that come out."""
        return pa.schema(self._engine.schema)

    # --- where they go: each of these runs the stream ---

    def to_parquet(
        self, path: str | os.PathLike[str], *, row_group_rows: int = 131_072, compression: str = "zstd"
    ) -> RunSummary:
        """Run, and write a Parquet file. Its bytes follow from the rows alone, never from batches or threads.

        Output:  a file under another name beside path, which takes its name when it is complete.
        Memory:  of a row group and a few batches.
        Raises:  OSError. OptionError, if the compression is not "zstd", "snappy", "lz4" or "none". What the source
                 raises.
        """
        with self._source_errors():
            return RunSummary(**self._engine.to_parquet(os.fspath(path), row_group_rows, compression))

    def to_arrow(self) -> pa.RecordBatchReader:
        """Run as the reader is read.

        Returns: a reader of the stream's batches, which pyarrow, polars and duckdb take. Memory is that of a batch.
        """
        return pa.RecordBatchReader.from_batches(self.schema, iter(self))

    def collect(self) -> pa.Table:
        """Run, and hold all rows in memory."""
        with self._source_errors():
            return table_of(self._engine.collect())

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Run as the batches are asked for."""
        with self._source_errors():
            reader = self._engine.run()
            while (batch := reader.next()) is not None:
                yield pa.record_batch(batch)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Run as an Arrow C stream, which any library that reads Arrow takes."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        return "Stream." + "\n  .".join(self._steps)

    @contextmanager
    def _source_errors(self) -> Iterator[None]:
        """Raise what Python raised while it gave batches: through Arrow comes only its text."""
        try:
            yield
        except Exception:
            error = self._source.take_error() if self._source else None
            if error is None:
                raise
            raise error from None


class _PythonSource:
    """Gives batches of Python's to the engine, anew for each run, and keeps what was raised on the way."""

    def __init__(
        self, schema: pa.Schema, read: Callable[[], Iterable[pa.RecordBatch]], *, read_once: str | None = None
    ) -> None:
        self.schema = schema
        self.read = read
        self._read_once = read_once  # What cannot start over.
        self._runs = 0
        self._error: BaseException | None = None

    def open(self) -> pa.RecordBatchReader:
        self._runs += 1
        return pa.RecordBatchReader.from_batches(self.schema, self._batches(first_run=self._runs == 1))

    def take_error(self) -> BaseException | None:
        error, self._error = self._error, None
        return error

    def _batches(self, *, first_run: bool) -> Iterator[pa.RecordBatch]:
        try:
            if self._read_once and not first_run:
                raise SabotError(
                    f"{self._read_once} was read by an earlier run and cannot start over. To run a stream more than "
                    f"once, make it of a table, a list of batches or a file."
                )
            yield from self.read()
        except GeneratorExit:
            raise
        except BaseException as error:
            self._error = error
            raise


def _source_of(data: Any) -> _PythonSource:
    check_kind(type(data))
    if isinstance(data, pa.RecordBatchReader):
        return _PythonSource(data.schema, lambda: data, read_once="The reader")
    if isinstance(data, pa.Table):
        return _PythonSource(data.schema, data.to_batches)
    if isinstance(data, pa.RecordBatch) or not hasattr(data, "__arrow_c_stream__"):
        batch = pa.record_batch(data)
        return _PythonSource(batch.schema, lambda: [batch])
    read = pa.RecordBatchReader.from_stream
    kinds = names_of(type(data))
    if ("pandas", "DataFrame") in kinds:  # Converted at each export, so only once.
        return _source_of(read(data).read_all())
    if any(name == "DuckDBPyRelation" for _, name in kinds):  # A connection has one query under way: leave none open.
        return _PythonSource(read(data.limit(0)).schema, lambda: read(data))
    return _PythonSource(read(data).schema, lambda: read(data))


def _checked(batches: Iterable[Any], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    """The batches, each of which must have the schema."""
    for number, data in enumerate(batches):
        found, parts = _batches_of(data, number)
        if not found.equals(schema):
            raise SchemaError(
                f"from_iter: batch {number} has another schema: {_difference(schema, found)}. "
                f"Give all batches one schema."
            )
        yield from parts


def _batches_of(data: Any, number: int) -> tuple[pa.Schema, Iterable[pa.RecordBatch]]:
    if isinstance(data, pa.RecordBatch):
        return data.schema, [data]
    try:
        source = _source_of(data)
    except TypeError as error:
        raise TypeError(f"from_iter: batch {number}: {error}") from None
    return source.schema, source.read()


def _difference(wanted: pa.Schema, found: pa.Schema) -> str:
    """The first one, in words."""
    for index, (before, now) in enumerate(zip(wanted, found, strict=False)):
        if not before.equals(now):
            return f"column {index} is '{now.name}' {now.type}, expected '{before.name}' {before.type}"
    return f"{len(found)} columns ({', '.join(found.names)}), expected {len(wanted)} ({', '.join(wanted.names)})"


def _kind(data: object) -> str:
    return f"{type(data).__module__.partition('.')[0]}.{type(data).__name__}".removeprefix("builtins.")
