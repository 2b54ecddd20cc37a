"""The ticks that everything is measured on: made by Sabot's seeded generator, kept in files that all processes map."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa

SYMBOLS = 1_000
SEED = 1
NULLS = 0.1


class Ticks:
    """Tables of one chunk a column: ticks; strings, with plain string symbols; nulls, quotes a tenth null."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._tables: dict[str, pa.Table] = {}

    @classmethod
    def make(cls, folder: Path, rows: int) -> "Ticks":
        """Write them to files: ten columns, `rows` rows."""
        ticks = generate(rows, "ticks")
        write(ticks, folder / "ticks")
        symbols = ticks.column("symbol").chunk(0).dictionary_decode()
        write(pa.table({"symbol": symbols, "price": ticks.column("price")}), folder / "strings")
        write(generate(rows, "quotes", nulls=NULLS).select(["symbol", "bid", "ask"]), folder / "nulls")
        return cls(folder)

    def __getitem__(self, name: str) -> pa.Table:
        if name not in self._tables:
            self._tables[name] = read(self.folder / name)
        return self._tables[name]


def generate(rows: int, kind: str, nulls: float = 0.0, symbols: int = SYMBOLS) -> pa.Table:
    """Ticks or quotes, in one chunk."""
    import sabot  # Here, since a worker whose interpreter has no Sabot reads what another process wrote.

    return (
        sabot.Stream.from_generator(rows=rows, symbols=symbols, seed=SEED, kind=kind, nulls=nulls)
        .collect()
        .combine_chunks()
    )


# A folder a table, a file a buffer: unlike in Arrow's own files, each begins at a page, as an allocated one does at a
# cache line.


def write(table: pa.Table, folder: Path) -> None:
    """A table of one chunk a column."""
    folder.mkdir(parents=True)
    for name in table.column_names:
        array = table.column(name).chunk(0)
        if array.offset != 0:
            raise ValueError(f"column {name} is a slice")
        stored = array.indices if pa.types.is_dictionary(array.type) else array
        for index, buffer in enumerate(stored.buffers()):
            if buffer is not None:
                (folder / f"{name}.{index}").write_bytes(buffer)
    batch = table.slice(0, 0).combine_chunks() if table.num_rows == 0 else table.slice(0, 1)
    with pa.ipc.new_file(folder / "schema.arrow", table.schema) as writer:
        writer.write_table(batch)  # One row, which brings the dictionaries.
    (folder / "rows.json").write_text(json.dumps(table.num_rows))


def read(folder: Path, *, into_memory: bool = False) -> pa.Table:
    """A table whose columns are mapped from files, or read into memory."""
    rows = json.loads((folder / "rows.json").read_text())
    with pa.ipc.open_file(folder / "schema.arrow") as reader:
        sample = reader.read_all()
    columns = []
    for field in sample.schema:
        is_dictionary = pa.types.is_dictionary(field.type)
        stored_type = field.type.index_type if is_dictionary else field.type
        count = 3 if pa.types.is_string(stored_type) else 2
        paths = [folder / f"{field.name}.{index}" for index in range(count)]
        buffers = [_buffer(path, into_memory) if path.exists() else None for path in paths]
        array = pa.Array.from_buffers(stored_type, rows, buffers)
        if is_dictionary:
            dictionary = sample.column(field.name).chunk(0).dictionary
            array = pa.DictionaryArray.from_arrays(array, dictionary, safe=False)
        columns.append(array)
    return pa.table(columns, schema=sample.schema)


def _buffer(path: Path, into_memory: bool) -> pa.Buffer:
    values = np.fromfile(path, dtype=np.uint8) if into_memory else np.memmap(path, dtype=np.uint8, mode="r")
    return pa.py_buffer(values)
