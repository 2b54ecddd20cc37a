"""Where the rows of a stream come from."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Self

import pyarrow as pa

from sabot import _native, arguments
from sabot.file_paths import Path, paths
from sabot.sources import PythonSource, source_of, source_of_batches
from sabot.tables import ArrowData

__all__ = ["StreamSources"]


class StreamSources:
    """The beginnings of a Stream."""

    __slots__ = ()

    @classmethod
    def _of(cls, engine: _native.Stream) -> Self:
        raise NotImplementedError  # A Stream does.

    @classmethod
    def _from_source(cls, source: PythonSource, description: str, event_time: str) -> Self:
        return cls._of(_native.Stream.from_source(description, source.open, source.schema, event_time, source.at_rest))

    @classmethod
    def from_parquet(
        cls,
        path: Path | Sequence[Path],
        *,
        columns: Sequence[str] | None = None,
        batch_rows: int = 65_536,
        event_time: str = "timestamp",
        partitioned_by: str | Sequence[str] | None = None,
    ) -> Self:
        """Read Parquet files.

        Input:   a file, a glob ("ticks/*.parquet"), a directory, an S3 URI, or a list of these; some columns or all.
                 Several files, sorted by name, continue one another and have the same columns.
        partitioned_by: columns of which no two files share a key, as with a file a symbol. Each file is then a source
                 partition of its own: kernels by that key run beside one another, and the rows meet by event time,
                 then in the order of the files.
        Returns: their rows in file order, with columns in file order. A union orders rows by the column event_time.
        Memory:  of a few batches of batch_rows rows, whatever the size of the files; with partitioned_by, for each.
        Raises:  FileNotFoundError, with the nearest names. DataError, if one is no Parquet file or is damaged.
                 SchemaError, if a column is missing. While running, where a page is damaged or a file has other
                 columns than the first. With partitioned_by: SchemaError, if files differ; OptionError, if there are
                 more than 256; while running DataError, if a key is in two files.
        """
        return cls._of(
            _native.Stream.from_parquet(
                paths(path),
                arguments.chosen("from_parquet", columns),
                batch_rows,
                event_time,
                arguments.keys(partitioned_by),
            )
        )

    @classmethod
    def from_csv(
        cls,
        path: Path | Sequence[Path],
        *,
        columns: Sequence[str] | None = None,
        types: Mapping[str, pa.DataType | str] | None = None,
        delimiter: str = ",",
        column_names: Sequence[str] | None = None,
        null_values: Sequence[str] | None = None,
        batch_rows: int = 65_536,
        event_time: str = "timestamp",
        partitioned_by: str | Sequence[str] | None = None,
    ) -> Self:
        """Read CSV files.

        Input:   files as in from_parquet. The first line of each names its columns, unless column_names does. Types
                 are inferred from the first 4 MB, or given by types (pyarrow types, or names such as "float64",
                 "timestamp[ns, tz=UTC]"). What stands for null: the empty string and null_values.
        Returns: the rows in file order. partitioned_by: as in from_parquet; types are inferred for each file.
        Rejects: rows with too few or too many fields, and with values that are none of their column's type. They are
                 counted, and kept with line and reason where a run has rejects=.
        Raises:  FileNotFoundError. DataError, if a file is empty or compressed. SchemaError, if a column is missing;
                 while running, if a file has other columns than the first.
        """
        return cls._of(
            _native.Stream.from_csv(
                paths(path),
                arguments.chosen("from_csv", columns),
                pa.schema({name: arguments.type_of(name, each) for name, each in (types or {}).items()}),
                arguments.delimiter_of(delimiter),
                list(column_names or ()),
                None if null_values is None else list(null_values),
                batch_rows,
                event_time,
                arguments.keys(partitioned_by),
            )
        )

    @classmethod
    def from_ipc(
        cls,
        path: Path | Sequence[Path],
        *,
        columns: Sequence[str] | None = None,
        event_time: str = "timestamp",
        partitioned_by: str | Sequence[str] | None = None,
    ) -> Self:
        """Read Arrow IPC files (Feather), or files that hold an IPC stream.

        Input:   files as in from_parquet.
        Returns: the rows in file order.
        Raises:  as from_parquet.
        """
        return cls._of(
            _native.Stream.from_ipc(
                paths(path), arguments.chosen("from_ipc", columns), event_time, arguments.keys(partitioned_by)
            )
        )

    @classmethod
    def from_arrow(cls, data: ArrowData, *, event_time: str = "timestamp") -> Self:
        """Read a table that is in memory, or a reader.

        Input:   anything Arrow can read: pyarrow, polars, pandas, duckdb, or an object with __arrow_c_stream__ or
                 __arrow_c_array__. Of a reader only one run is possible.
        Returns: its rows in their order, uncopied where the library hands out its own memory.
        Raises:  TypeError, if it is no table.
        """
        return cls._from_source(source_of(data), arguments.kind(data), event_time)

    @classmethod
    def from_iter(
        cls, batches: Iterable[ArrowData], *, schema: pa.Schema | None = None, event_time: str = "timestamp"
    ) -> Self:
        """Read batches as an iterable gives them.

        Input:   record batches, or tables, of one schema. Unless schema is given the first one is taken to learn it. An
                 iterator can be run once, a list or an object whose __iter__ starts over any number of times.
        Returns: their rows in their order.
        Raises:  SchemaError, if there is no batch and no schema; while running, if a batch has another schema than the
                 first. What the iterable raises.
        """
        return cls._from_source(source_of_batches(batches, schema), f"batches of {arguments.kind(batches)}", event_time)

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
    ) -> Self:
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
        return cls._of(
            _native.Stream.from_generator(
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
        )
