"""Stream: where rows come from, what happens to them, where they go."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self

import pyarrow as pa

from sabot import _native, arguments, expressions, functions
from sabot.checkpoint import Backend, CheckpointCoordinator, coordinator_of
from sabot.errors import OptionError
from sabot.expressions import ExprLike, to_json
from sabot.kernels import Kernel, Spec, make_by, make_spec, name_of
from sabot.key_groups import KeyGroupMoves
from sabot.python_kernel import PythonKernel
from sabot.registry import CLASSES, KERNELS
from sabot.runs import Path, Progress, RunOptions, RunSummary, check_number
from sabot.stream_sources import StreamSources
from sabot.tables import table_of

if TYPE_CHECKING:
    from sabot.execution import ExecutionGraph, JobGraph

__all__ = ["Progress", "RunSummary", "Stream"]


class Stream(StreamSources):
    """A pipeline: sources and the steps their rows pass. Immutable: each call returns a new stream.

    The schema is known at once, so a mistake is reported by the line that made it. Nothing runs before the stream is
    iterated, collected or written; each run reads its sources anew, from fresh state, some batches at a time.

    Expressions are text ("price * volume > 1e6 and side == 1"), `sabot.col("price")` and what is made of it, or
    pyarrow compute expressions.
    """

    __slots__ = ("_engine", "_options")

    _engine: _native.Stream
    _options: RunOptions

    def __init__(self) -> None:
        raise TypeError("a Stream begins with from_parquet, from_csv, from_ipc, from_arrow, from_iter, from_generator.")

    @classmethod
    def _of(cls, engine: _native.Stream) -> Self:
        stream = cls.__new__(cls)
        stream._engine = engine
        stream._options = RunOptions()
        return stream

    def _with(self, engine: _native.Stream, options: RunOptions | None = None) -> "Stream":
        """Other steps, or other options for runs; the rest as it is."""
        stream = self._of(engine)
        stream._options = options or self._options
        return stream

    def _in_job(self, name: str) -> "Stream":
        """Runs are called so."""
        return self._with(self._engine, self._options.changed(job=name))

    def _step(self, verb: str, make: Callable[[_native.Stream], _native.Stream], parallelism: int | None) -> "Stream":
        """One step more, which has as many copies as is said of it, or by the last parallel()."""
        if parallelism is None:
            return self._with(make(self._engine))
        copies = _copies(verb, parallelism)
        return self._with(make(self._engine.parallel(copies)).parallel(self._engine.parallelism))

    def _in_one_copy(
        self, verb: str, make: Callable[[_native.Stream], _native.Stream], parallelism: int | None
    ) -> "Stream":
        """One step more, which is never copied."""
        if parallelism is not None and _copies(verb, parallelism) > 1:
            raise OptionError(f"{verb}: parallelism is {parallelism}, but it sees all rows in one place. Leave it out.")
        return self._with(make(self._engine.parallel(0)).parallel(self._engine.parallelism))

    # --- what happens to them ---

    # Each takes parallelism=: how many copies of the step work side by side, whose rows come together in their order
    # again. A step with state by key has each key in one copy. docs/concepts/parallelism.md has the rest.

    def parallel(self, copies: int | None) -> "Stream":
        """Let the steps that follow have so many copies each, where they name no other number; None: as a run says.

        Python functions are called on one thread, so that copies of them are only made where parallelism= asks for
        them at the step. What sees all rows in one place is never copied: union, require, data_quality.

        Raises:  OptionError, if copies is less than 1.
        """
        return self._with(self._engine.parallel(0 if copies is None else _copies("parallel", copies, "copies")))

    def filter(self, keep: ExprLike, *, parallelism: int | None = None) -> "Stream":
        """Keep the rows for which an expression is true; null is not.

        Returns: those rows, in their order.
        Raises:  SchemaError, if a column is missing or the expression is not boolean. OptionError, if it has a typo.
        """
        json = to_json(keep)
        return self._step("filter", lambda engine: engine.filter(json), parallelism)

    def require(self, keep: ExprLike, *, reason: str = "", parallelism: int | None = None) -> "Stream":
        """Reject the rows for which an expression is not true: they are counted, and kept where a run has rejects=.

        Returns: the other rows, in their order.
        Raises:  as filter; in a run with strict=True, DataError at the first such row. OptionError, if parallelism is
                 not 1: rejected rows are told in their order.
        """
        json = to_json(keep)
        return self._in_one_copy("require", lambda engine: engine.require(json, reason), parallelism)

    def select(self, *columns: ExprLike, parallelism: int | None = None, **named: ExprLike) -> "Stream":
        """Make exactly these columns, by name or as expressions, kernels among them.

        Returns: the columns in the order given, one row for each.
        Raises:  SchemaError, if a column is missing, or two have one name. OptionError, if an expression has a typo.
        """
        made = self._columns(columns, named)
        return self._step("select", lambda engine: engine.select(made), parallelism)

    def with_columns(self, *columns: ExprLike, parallelism: int | None = None, **named: ExprLike) -> "Stream":
        """Add columns, or replace those of the same name. All are computed from the columns there are before.

        Input:   expressions, and kernels on them: with_columns(mid="(bid + ask) / 2",
                 fast=sabot.col("price").ewma(alpha=0.1).over("symbol")). Kernels on one key run as one fused pass. A
                 column called parallelism is made by expr("...").alias("parallelism").
        Returns: the columns so far, then the new ones, one row for each.
        Raises:  as select.
        """
        made = self._columns(columns, named)
        return self._step("with_columns", lambda engine: engine.with_columns(made), parallelism)

    def rename(self, names: Mapping[str, str], *, parallelism: int | None = None) -> "Stream":
        """Give columns other names, old to new.

        Raises:  SchemaError, if a column is missing, or two would have one name.
        """
        return self._step("rename", lambda engine: engine.rename(dict(names)), parallelism)

    def key_by(self, *columns: str) -> "Stream":
        """Say whose state kernels keep from here on, where they name no key themselves. At the beginning "symbol".

        Raises:  SchemaError, if a column is missing or cannot be a key.
        """
        for column in columns:
            if not isinstance(column, str):
                raise TypeError(f"key_by: a column is named by a string, found {column!r}. Write key_by('a', 'b').")
        return self._with(self._engine.key_by(list(columns)))

    def kernel(
        self,
        kernel: str | type[Kernel] | Kernel | type[PythonKernel] | PythonKernel,
        /,
        *,
        by: str | Sequence[str] | None = None,
        column: str | None = None,
        columns: Mapping[str, str] | None = None,
        outputs: Mapping[str, str] | None = None,
        parallelism: int | None = None,
        **options: Any,
    ) -> "Stream":
        """Append a kernel's outputs. Neighbours with the same key and as many copies run as one fused pass.

        Input:   the kernel by name ("ewma") or class (EWMAKernel), with its key (the stream's, unless given), columns,
                 outputs and options as in sabot.fintech; or an object, which brings all of these and whose state is
                 neither read nor changed. A class or object of sabot.PythonKernel likewise: a step of its own, called
                 on the thread that runs the stream, in one copy unless parallelism says more.
        Returns: the columns so far, then the kernel's outputs, in row order.
        State:   what the kernel remembers, per key. Of a kernel of two symbols, of the pair: then `by` is the column
                 that has them, and the rows of all symbols come together in one copy.
        Raises:  SchemaError, if a column is missing or of another type, or an output exists already. OptionError, if
                 the kernel or an option is unknown or out of its range, or copies of a pair's kernel are asked for.
        """
        if isinstance(kernel, PythonKernel) or (isinstance(kernel, type) and issubclass(kernel, PythonKernel)):
            if isinstance(kernel, PythonKernel):
                if column is not None or columns or outputs or options or (by is not None and make_by(by) != kernel.by):
                    raise OptionError(
                        f"kernel: {kernel!r} brings its key, columns, outputs and options; give none beside it."
                    )
            else:
                by = self._engine.by if by is None else by
                kernel = kernel(by=by, column=column, columns=columns, outputs=outputs, **options)
            return self._python_kernel(kernel, parallelism)
        keys: list[str] | None
        if isinstance(kernel, Kernel):
            if column is not None or columns or outputs or options or (by is not None and make_by(by) != kernel.by):
                raise OptionError(
                    f"kernel: {kernel!r} brings its key, columns, outputs and options; give none beside it."
                )
            spec, keys = kernel._spec, kernel.by
        else:
            spec = make_spec(name_of(kernel), column, columns, outputs, options)
            keys = None if by is None else make_by(by)
        info = KERNELS.get(spec[0]) or CLASSES.get(spec[0])
        step = self._in_one_copy if info is not None and info.pair else self._step
        return step("kernel", lambda engine: engine.kernel(*spec, keys), parallelism)

    def map(
        self,
        function: functions.Function,
        *,
        schema: pa.Schema | None = None,
        by: str | Sequence[str] | None = None,
        parallelism: int | None = None,
    ) -> "Stream":
        """Call a Python function on each batch, which returns a batch with as many rows.

        Input:   the function, which takes a pyarrow.RecordBatch and returns Arrow data of any library. It is called
                 once on an empty batch, to learn its columns; with schema=, its output's, it is not.
        State:   kernel functions called in it (`ewma(batch, alpha=0.06)`) keep their state from batch to batch, one a
                 call site; the same calls must be made for each batch. A function that only calls kernels is replaced
                 by them. What else it remembers is its own affair: batches may be cut anywhere, see
                 sabot.testing.check_function.
        Threads: it is called on the thread that runs the stream, one batch after the other.
        Copies:  one, unless parallelism says more. Then rows of one key come to one copy, in their order; the key is
                 that of the kernel functions it calls, or by. Without either, rows come to any copy: the function must
                 remember nothing of them.
        Returns: what the function returns, in order.
        Raises:  FunctionError, if the function fails, with its exception as the cause; SchemaError, if it returns other
                 columns than on the empty batch; DataError, if another number of rows. OptionError, if it has copies
                 and the kernels it calls have several keys, or another one than by.
        """
        return self._function("map", function, schema, by, parallelism)

    def flat_map(
        self,
        function: functions.Function,
        *,
        schema: pa.Schema | None = None,
        parallelism: int | None = None,
    ) -> "Stream":
        """Call a Python function on each batch, which returns any number of rows: a batch, or an iterable of batches.

        As map, but for the number of rows. All that a batch becomes has the place of its last row, so that no order of
        several copies would be that of one: OptionError, if parallelism is not 1, unless it only calls kernels.
        """
        return self._function("flat_map", function, schema, None, parallelism)

    def union(self, *others: "Stream") -> "Stream":
        """Merge the rows of streams with the same columns.

        Returns: all rows by event time, those of one time in the order of the streams; rows of one source keep their
                 order, so a late one comes where the running maximum of its source's event time puts it. Sources
                 without event time come one after the other. The result does not depend on which is faster. Its runs
                 go as this stream's options say.
        Memory:  of a few batches a stream.
        Raises:  SchemaError, if the columns differ.
        """
        for other in others:
            if not isinstance(other, Stream):
                raise TypeError(
                    f"union: expected streams, one by one, found {type(other).__name__}. "
                    f"Stream.from_arrow(...) makes one of a table; a list of streams is given as union(*streams)."
                )
        return self._with(self._engine.union([other._engine for other in others]))

    def partition_by_range(self, column: str, bounds: Any) -> "Stream":
        """Have the next step run in copies side by side, each on the rows of one range of a column.

        Input:   a column of numbers, dates, times, durations, text or binary; ascending bounds, as a list or an Arrow
                 array: copy 0 has the values below bounds[0], copy 1 those from there on and below bounds[1], and so
                 on, one copy more than bounds. Null and NaN go to the last copy. Dates and times may be text
                 ("2024-01-31", "2024-01-31T09:30:00Z") or whole numbers of the column's unit.
        Returns: the same rows in the same order; only who works on them changes.
        Raises:  SchemaError, if the column is missing or of another type. OptionError, if the bounds do not ascend or
                 do not fit its type; when it runs, if the next step keeps rows of one key together and the column is
                 none of its key, or if it can have one copy only.
        """
        return self._with(self._engine.ranged(column, arguments.json_of(column, bounds)))

    def rebalance(self) -> "Stream":
        """Have the copies of the next step take rows in turn, by blocks, where each would go on with its sender's.

        Returns: the same rows in the same order.
        Raises:  when it runs, OptionError, if the next step has several copies and keeps rows of one key together.
        """
        return self._with(self._engine.rebalanced())

    def spilling(self, when: str = "overflow") -> "Stream":
        """Let rows on their way to the next step go to disk, where they go from one task to another.

        when:    "overflow": those that find no room, so that their sender may go on; "always": all; "never". The
                 folder is that of options(spill_folder=...).
        Returns: the same rows in the same order.
        Raises:  OptionError, if it is another word; when it runs, if there is no folder.
        """
        return self._with(self._engine.spilling(when))

    def data_quality(
        self,
        *,
        by: str | Sequence[str] | None = None,
        gap: timedelta | str = "1s",
        parallelism: int | None = None,
    ) -> "Stream":
        """Count what is odd about the rows, for each key, and pass them on unchanged.

        by:      the key; unless given, the stream's.
        gap:     a step of event time larger than this is a gap: a timedelta, or text such as "500ms", "1s", "5m".
        Returns: the same rows. After a run, its RunSummary has the counts as `quality`, a table with a row a key: rows,
                 duplicates (of the row before), backwards (event time), gaps, gap_max_ns, crossed and locked books,
                 nulls, skew_min_ns and skew_max_ns (local_timestamp - timestamp); null where columns are missing.
        Raises:  SchemaError, if a key column is missing, or a standard column is of another type. OptionError, if
                 parallelism is not 1: the counts are kept in one place.
        """
        keys = self._engine.by if by is None else make_by(by)
        gap_ns = arguments.nanoseconds("gap", gap)
        return self._in_one_copy("data_quality", lambda engine: engine.data_quality(keys, gap_ns), parallelism)

    def uid(self, name: str) -> "Stream":
        """Say what the last step is called in checkpoints, so that its state is found again when others have changed.

        Unless said it is called by its type and number, such as "kernel_0". A step that has a name stays a pass of its
        own; kernels before it that run as one pass with it have the name together.

        name:    letters, digits, '_', '-' and '.'; no two steps of a job have the same.
        Raises:  OptionError, if the step has a name already; when it runs, if the name has other letters or is there
                 twice.
        """
        if not isinstance(name, str):
            raise TypeError(f"uid: the name must be text, found {name!r}.")
        if not name:
            raise OptionError("uid: the name is empty. Use letters, digits, '_', '-' and '.'.")
        return self._with(self._engine.uid(name))

    @property
    def schema(self) -> pa.Schema:
        """Of the rows that come out."""
        return pa.schema(self._engine.schema)

    def explain(self, *, tasks: bool = False) -> str:
        """The plan as text: sources, steps as they will run, the columns that come out.

        tasks:   instead the tasks of a run, what each does, and how rows pass between them, with the reason.
        """
        return self.execution_graph().explain() if tasks else self._engine.explain()

    def execution_graph(self) -> "ExecutionGraph":
        """The tasks that a run on this machine would have, and the edges between them.

        Raises:  OptionError, with the step, if it cannot have as many copies as it was asked to.
        """
        from sabot.execution import ExecutionGraph

        job = self._options.job
        return ExecutionGraph(self._engine.execution_graph(job, self._options.native()), job)

    def job_graph(self, job_id: str | None = None) -> "JobGraph":
        """The steps as operators of a job: names, keys, the copies that a run on this machine would have.

        Returns: a graph to be looked at (explain, to_svg, to_json). What the steps compute is no part of it.
        Raises:  OptionError, if the id has other letters than a-z, A-Z, 0-9, '_', '-' and '.'; as execution_graph.
        """
        from sabot.execution import JobGraph

        graph = self._engine.execution_graph(job_id or self._options.job, self._options.native())
        return JobGraph.from_json(graph.job.to_json(-1))

    # --- where they go: each of these runs the stream ---

    def options(
        self,
        *,
        parallelism: int | None = None,
        ordering: str | None = None,
        key_groups: int | None = None,
        threads: int | None = None,
        spill_folder: Path | None = None,
        checkpoints: CheckpointCoordinator | Backend | Path | None = None,
        balance_rows: int | None = None,
        moves: KeyGroupMoves | None = None,
    ) -> "Stream":
        """Say how runs of this stream go, whoever starts them: iterating, collect, to_parquet and the others.

        parallelism: copies of each step that names no number and may have copies. Unless given, steps without state
                     have one a thread where all rows are there already, all others one.
        ordering:    "place": rows that come together from several tasks are put in the order of their places, the
                     same in every run. "arrival": they are taken as they come, sooner and in another order each time.
        key_groups:  how finely keys are spread over copies; no parallelism is greater. Unless given, 256.
        threads:     at most so many work at once; unless given, as set_max_threads says.
        spill_folder: where rows go that spilling() lets go to disk: Arrow files, which are removed as they are read.
        checkpoints: of runs into files (to_parquet, to_csv, to_ipc): a sabot.checkpoint.CheckpointCoordinator, or a
                     folder or S3 URI to have one a minute there. Not with rejects=; to iterate or collect is an error.
        balance_rows: look after so many rows whether a copy has many more of them than others, and move key groups
                     from it; twice as many after each move. Not where an input can be read only once.
        moves:       who moves them by hand.
        Returns:     the same stream. With ordering "place" its rows are the same bits whatever is said here.
        Raises:      OptionError, if one of them is out of its range.
        """
        return self._with(
            self._engine,
            self._options.changed(
                parallelism=parallelism,
                ordering=ordering,
                key_groups=key_groups,
                threads=threads,
                spill_folder=None if spill_folder is None else os.fspath(spill_folder),
                checkpoints=None if checkpoints is None else coordinator_of(checkpoints),
                balance_rows=balance_rows,
                moves=moves,
            ),
        )

    def to_parquet(
        self,
        path: Path,
        *,
        row_group_rows: int = 131_072,
        rows_per_file: int | None = None,
        partitions: int | None = None,
        compression: str = "zstd",
        rejects: Path | None = None,
        strict: bool = False,
        progress: Callable[[Progress], object] | None = None,
    ) -> RunSummary:
        """Run, and write Parquet. The bytes follow from the rows alone, never from batches or threads.

        Output:   a file, or with rows_per_file a folder of part-00000.parquet and so on; on a disk or, for an S3 URI,
                  there. A file takes its name when it is complete.
        partitions: make a folder of so many files, each with the rows of some keys, by event time: the hash of the
                  stream's key (see key_by) says which. All of them appear when the run has ended well, or none.
        rejects:  a CSV file (where, reason, row) for the rows that were rejected; strict: stop at the first instead.
        progress: called on this thread, at most ten times a second.
        Memory:   of a row group and a few batches; with partitions, for each.
        Raises:   OSError. OptionError, if the compression is not "zstd", "snappy", "lz4" or "none", or if there are
                  more than 256 partitions. SchemaError, if with partitions the key is no column. What the sources and
                  functions raise.
        """
        return self._options.into(
            path,
            rejects,
            strict,
            progress,
            lambda options: self._engine.to_parquet(
                os.fspath(path),
                row_group_rows,
                arguments.rows_of_file(rows_per_file),
                arguments.partitions_of(partitions, rows_per_file),
                compression,
                options,
            ),
        )

    def to_csv(
        self,
        path: Path,
        *,
        delimiter: str = ",",
        rows_per_file: int | None = None,
        partitions: int | None = None,
        rejects: Path | None = None,
        strict: bool = False,
        progress: Callable[[Progress], object] | None = None,
    ) -> RunSummary:
        """Run, and write CSV: a line of names, null as nothing, numbers with the fewest digits that read back the same.

        Everything else as to_parquet.
        """
        return self._options.into(
            path,
            rejects,
            strict,
            progress,
            lambda options: self._engine.to_csv(
                os.fspath(path),
                arguments.rows_of_file(rows_per_file),
                arguments.partitions_of(partitions, rows_per_file),
                arguments.delimiter_of(delimiter),
                options,
            ),
        )

    def to_ipc(
        self,
        path: Path,
        *,
        batch_rows: int = 65_536,
        rows_per_file: int | None = None,
        partitions: int | None = None,
        compression: str = "lz4",
        rejects: Path | None = None,
        strict: bool = False,
        progress: Callable[[Progress], object] | None = None,
    ) -> RunSummary:
        """Run, and write Arrow IPC files (Feather) of batches with batch_rows rows.

        Everything else as to_parquet; compression is "lz4", "zstd" or "none".
        """
        return self._options.into(
            path,
            rejects,
            strict,
            progress,
            lambda options: self._engine.to_ipc(
                os.fspath(path),
                batch_rows,
                arguments.rows_of_file(rows_per_file),
                arguments.partitions_of(partitions, rows_per_file),
                compression,
                options,
            ),
        )

    def to_arrow(self, *, rejects: Path | None = None, strict: bool = False) -> pa.RecordBatchReader:
        """Run as the reader is read.

        Returns: a reader of the stream's batches, which pyarrow, polars and duckdb take. Memory is that of a batch.
        """
        return pa.RecordBatchReader.from_batches(self.schema, self._batches(rejects, strict))

    def collect(self, *, rejects: Path | None = None, strict: bool = False) -> pa.Table:
        """Run, and hold all rows in memory."""
        return table_of(self._engine.collect(self._options.reading(rejects, strict))[0])

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """Run as the batches are asked for."""
        return self._batches(None, strict=False)

    def __arrow_c_stream__(self, requested_schema: object = None) -> object:
        """Run as an Arrow C stream, which any library that reads Arrow takes."""
        return self.to_arrow().__arrow_c_stream__(requested_schema)

    def __repr__(self) -> str:
        return self.explain()

    def _batches(self, rejects: Path | None, strict: bool) -> Iterator[pa.RecordBatch]:
        reader = self._engine.run(self._options.reading(rejects, strict))
        try:
            while (batch := reader.next()) is not None:
                yield pa.record_batch(batch)
        finally:
            reader.close()

    def _columns(self, columns: Sequence[ExprLike], named: Mapping[str, ExprLike]) -> list[tuple[str, str]]:
        """Name and expression of each; no name where the expression suggests it."""
        return [
            *((expressions.name_of(column) or "", to_json(column)) for column in columns),
            *((name, to_json(column)) for name, column in named.items()),
        ]

    def _python_kernel(self, kernel: PythonKernel, parallelism: int | None) -> "Stream":
        copies = 1 if parallelism is None else _copies("kernel", parallelism)
        schema, name = kernel.fresh()._running.bind(self.schema), f"kernel {type(kernel).__name__}"
        key = kernel.by if kernel._running.stateful else []
        return self._step(
            "kernel",
            lambda engine: engine.map(name, lambda: kernel.fresh()._running, schema, True, key, "kernel"),
            copies,
        )

    def _function(
        self,
        verb: str,
        function: functions.Function,
        schema: pa.Schema | None,
        by: str | Sequence[str] | None,
        parallelism: int | None,
    ) -> "Stream":
        copies = 1 if parallelism is None else _copies(verb, parallelism)
        planned = functions.plan(verb, function, self.schema, schema, copies)
        planned.check_copies()
        if planned.only_calls_kernels and planned.calls is not None:
            specs = [(spec, call.by) for call in planned.calls for spec in call.specs]
            return self._step(verb, lambda engine: _with_kernels(engine, specs), parallelism)
        key = planned.key(self.schema, None if by is None else make_by(by))
        return self._step(
            verb,
            lambda engine: engine.map(planned.name, planned.fresh, planned.schema, verb == "map", key, verb),
            copies,
        )


def _copies(verb: str, value: object, name: str = "parallelism") -> int:
    return check_number(f"{verb}: {name}", value, otherwise="the number that the run finds best")


def _with_kernels(engine: _native.Stream, specs: Iterable[tuple[Spec, list[str]]]) -> _native.Stream:
    for spec, by in specs:
        engine = engine.kernel(*spec, by)
    return engine
