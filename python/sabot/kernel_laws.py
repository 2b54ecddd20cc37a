"""The laws that every kernel obeys, tried on a kernel: sabot.testing.check_kernel."""

import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, cast

import pyarrow as pa
import pyarrow.compute as pc

from sabot import _native, fintech
from sabot.comparison import diff
from sabot.errors import OptionError
from sabot.kernels import Kernel, name_of
from sabot.python_kernel import PythonKernel
from sabot.registry import CLASSES, KERNELS
from sabot.stream import Stream
from sabot.tables import ArrowData, table_of

__all__ = ["check_kernel"]

AnyKernel = Kernel | PythonKernel


def check_kernel(
    kernel: str | type[AnyKernel] | AnyKernel,
    data: ArrowData | None = None,
    *,
    rows: int = 2000,
    seed: int = 1,
) -> pa.Table:
    """Check that a kernel obeys the laws of kernels, on random data or on yours.

    Input:   the kernel by name, class or object (of which the options count, not the state): your own in Python or
             C++, or one of Sabot's. Data with its columns, a few thousand rows of several keys; unless given, rows of
             a random market.
    Laws:    1. the same rows give the same bits, however they are cut into batches, and again; 2. rows of other keys
             change nothing; 3. nor does a snapshot that is restored, at any row; 4. nor does a row with a missing
             input, whose outputs are null (not tried where a kernel declares otherwise, as lag does); 5. an output
             does not depend on later rows; 6. nor on how keys are encoded as dictionaries; 7. outputs are never NaN or
             infinite, and null where the key is, and all columns that were given are returned as they were.
    Returns: what the kernel makes of the data, to be compared with values you know.
    Raises:  AssertionError, which names the law, and the first row and column that break it. What the kernel raises.
    """
    tried = _Tried(kernel, random.Random(seed))
    table = tried.market(rows) if data is None else _table(data)
    if table.num_rows == 0:
        raise OptionError("check_kernel: the data has no rows. Give some thousand, of several keys.")
    whole = tried.run([table])
    tried.check_values(table, whole)
    tried.is_causal(table, whole)
    tried.ignores_cuts(table, whole)
    if tried.stateful:
        tried.ignores_other_keys(table, whole)
        tried.ignores_dictionaries(table, whole)
        tried.restores(table, whole)
    if tried.missing == "null":
        tried.ignores_missing(table, whole)
    tried.check_something_was_tried(whole)
    return whole


class _Tried:
    """A kernel, and what each law does with it."""

    def __init__(self, kernel: Any, chance: random.Random) -> None:
        self._new = _maker(kernel)
        self._chance = chance
        example = self._new()
        self._info = example.info if isinstance(example, Kernel) else example._running.info
        self.stateful, self.missing = self._info.stateful, self._info.missing
        self._pair = [example.options[name] for name in ("symbol_a", "symbol_b")] if self._info.pair else []
        self._by, columns = list(example.by), example.columns
        self._needed = [
            (columns.get(entry.role, entry.column), entry.type == "float64")
            for entry in self._info.inputs
            if not entry.optional or entry.role in columns
        ]
        renamed = example.outputs if isinstance(example, Kernel) else example.renamed
        self._outputs = [renamed.get(output.name, output.name) for output in self._info.outputs]

    def market(self, rows: int) -> pa.Table:
        """Rows of five symbols with what the kernel reads, some of it missing."""
        chance = self._chance
        columns: dict[str, pa.Array] = {}
        for key in self._by:
            names = [*(self._pair or ["A", "B"]), "", "a long name", "日経225", None]
            columns[key] = pa.array([chance.choice(names) for _ in range(rows)])
        for name, is_number in self._needed:
            if name not in columns:
                columns[name] = _numbers(name, rows, chance) if is_number else _times(rows, chance)
        return pa.table(columns)

    def run(self, tables: Sequence[pa.Table], kernel: Any = None) -> pa.Table:
        """What a kernel, or a fresh one, makes of tables that are given one after another."""
        kernel = kernel or self._new()
        return pa.concat_tables([kernel(table) for table in tables])

    def check_values(self, table: pa.Table, whole: pa.Table) -> None:
        """Laws 7 and 1, as far as one batch shows them."""
        if whole.column_names != [*table.column_names, *self._outputs]:
            self._broken(7, f"it returns the columns {whole.column_names}, given were {table.column_names}.")
        self._same(7, table, whole.select(table.column_names), "given", "returned")
        keyed = self._has_key(table)
        for name in self._outputs:
            column = whole[name]
            if pa.types.is_floating(column.type):
                self._none(
                    7, table, pc.fill_null(pc.invert(pc.is_finite(column)), False), f"'{name}' is NaN or infinite"
                )
            if self.stateful and self.missing != "fails closed":
                answered = pc.and_(pc.is_valid(column), pc.invert(keyed))
                self._none(7, table, answered, f"'{name}' has a value although the key is null")
        self._same(1, whole, self.run([table]), "first", "the second time", "a fresh kernel gives other values")
        empty = self.run([table.slice(0, 0)])
        if empty.schema != whole.schema or empty.num_rows:
            self._broken(7, f"of no rows it makes {empty.num_rows} rows with the columns {empty.schema.names}.")

    def check_something_was_tried(self, whole: pa.Table) -> None:
        """Rows without an output cannot show that a law is broken."""
        for name in self._outputs:
            if whole[name].null_count == len(whole):
                raise AssertionError(
                    f"{self._info.name}: '{name}' is null in all {len(whole)} rows, so that nothing was tried. Give "
                    f"data= of which it makes something."
                )

    def is_causal(self, table: pa.Table, whole: pa.Table) -> None:
        """Law 5."""
        for rows in self._places(table):
            found = self.run([table.slice(0, rows)])
            why = "an output depends on later rows"
            self._same(5, whole.slice(0, rows), found, "with the rows behind it", "without", why)

    def ignores_cuts(self, table: pa.Table, whole: pa.Table) -> None:
        """Law 1."""
        for size in _CUTS:
            cut = [table.slice(begin, size) for begin in range(0, table.num_rows, size)]
            why = "outputs depend on how rows are cut into batches"
            self._same(1, whole, self.run(cut), "in one batch", f"in batches of {size}", why)
        parts = [table.slice(0, 0), table.slice(0, 5), table.slice(0, 0), table.slice(5)]
        self._same(1, whole, self.run(parts), "in one batch", "with empty batches", "an empty batch changes the state")

    def ignores_other_keys(self, table: pa.Table, whole: pa.Table) -> None:
        """Law 2."""
        keys = list(zip(*(table[name].to_pylist() for name in self._by), strict=True))
        tried = [[key] for key in sorted({key for key in keys if None not in key}, key=keys.count)[-_KEYS_TRIED:]]
        if self._pair:
            tried = [[(symbol,) for symbol in self._pair]]
        for together in tried:
            mine = pa.array([each in together for each in keys])
            found = self.run([table.filter(mine)])
            named = " and ".join(", ".join(map(repr, key)) for key in together)
            why = f"rows of other keys than {named} change its outputs (rows counted within the key)"
            self._same(2, whole.filter(mine), found, "among others", "alone", why)

    def ignores_dictionaries(self, table: pa.Table, whole: pa.Table) -> None:
        """Law 6."""
        parts = [self._encoded(table.slice(begin, 100)) for begin in range(0, table.num_rows, 100)]
        if all(part.schema == table.schema for part in parts):
            return
        found = self.run(parts).select(self._outputs)
        why = "outputs depend on how keys are encoded as dictionaries"
        expected = self.run([self._plain(table.slice(begin, 100)) for begin in range(0, table.num_rows, 100)])
        self._same(
            6, expected.select(self._outputs), found, "of plain keys", "of dictionaries that differ", why, by=None
        )

    def restores(self, table: pa.Table, whole: pa.Table) -> None:
        """Law 3."""
        for rows in (0, *self._places(table)):
            kernel = self._new()
            before = self.run([table.slice(0, rows)], kernel)
            snapshot = kernel.snapshot()
            rest = table.slice(rows)
            going_on = pa.concat_tables([before, self.run([rest], kernel)])
            why = "taking a snapshot changes what follows"
            self._same(3, whole, going_on, "without a snapshot", f"with one after {rows} rows", why)
            for order in (range(snapshot.num_rows), range(snapshot.num_rows - 1, -1, -1)):
                restored = type(kernel).restore(snapshot.take(pa.array(order, pa.int64())))
                found = pa.concat_tables([before, self.run([rest], restored)])
                why = "a restored kernel goes on otherwise than the one it was taken of"
                self._same(3, whole, found, "without a stop", f"restored after {rows} rows", why)

    def ignores_missing(self, table: pa.Table, whole: pa.Table) -> None:
        """Law 4."""
        copies = Counter(self._chance.choices(range(table.num_rows), k=max(table.num_rows // 10, 5)))
        order: list[int] = []
        inserted: list[bool] = []
        for row in range(table.num_rows):
            order += [row] * (copies[row] + 1)
            inserted += [True] * copies[row] + [False]
        longer = table.take(pa.array(order))
        new = pa.array(inserted)
        chosen = [self._chance.randrange(len(self._needed)) if each else -1 for each in inserted]
        for number, (name, is_number) in enumerate(self._needed):
            at = longer.column_names.index(name)
            column = longer[name]
            values = [None, float("nan"), float("inf")] if is_number and pa.types.is_floating(column.type) else [None]
            kinds = [self._chance.randrange(len(values)) if each == number else -1 for each in chosen]
            for kind, value in enumerate(values):
                hit = pa.array([each == kind for each in kinds])
                column = pc.if_else(hit, pa.scalar(value, column.type), column)
            longer = longer.set_column(at, longer.schema.field(name), column)
        made = self.run([longer])
        why = "a row with a missing input changes the outputs of others"
        self._same(4, whole, made.filter(pc.invert(new)), "without such rows", "with some before it", why)
        for name in self._outputs:
            answered = pc.and_(new, pc.is_valid(made[name]))
            self._none(4, longer, answered, f"'{name}' has a value although an input is missing")

    def _places(self, table: pa.Table) -> list[int]:
        """Numbers of rows at which something is tried."""
        return sorted(
            {min(table.num_rows, 1), *(self._chance.randint(0, table.num_rows) for _ in range(_PLACES_TRIED))}
        )

    def _has_key(self, table: pa.Table) -> pa.ChunkedArray:
        keyed = pa.chunked_array([pa.array([True] * table.num_rows)])
        for name in self._by if self.stateful else ():
            keyed = pc.and_(keyed, pc.is_valid(_decoded(table[name])))
        return keyed

    def _encoded(self, table: pa.Table) -> pa.Table:
        """Keys that are text as dictionaries, each in an order of its own."""
        for name in self._by:
            column = _decoded(table[name]).combine_chunks()
            if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
                continue
            values = [*{value for value in column.to_pylist() if value is not None}, "of no row"]
            self._chance.shuffle(values)
            dictionary = pa.array(values, column.type)
            coded = pa.DictionaryArray.from_arrays(pc.index_in(column, dictionary), dictionary)
            table = table.set_column(table.column_names.index(name), name, coded)
        return table

    def _plain(self, table: pa.Table) -> pa.Table:
        for name in self._by:
            table = table.set_column(table.column_names.index(name), name, _decoded(table[name]))
        return table

    def _same(
        self, law: int, expected: pa.Table, found: pa.Table, left: str, right: str, why: str = "rows change", **by: Any
    ) -> None:
        key = {"by": self._by[0]} if self.stateful and not by else {}
        compared = diff(expected, found, **key)
        if compared.equal:
            return
        first = compared.first
        if first is None:
            self._broken(law, f"{why}: {compared}")
        else:
            key_text = f" ({first.key})" if first.key else ""
            self._broken(
                law,
                f"{why}. The first is row {first.first_row}{key_text}, column '{first.column}': {first.left} {left}, "
                f"{first.right} {right}.",
            )

    def _none(self, law: int, table: pa.Table, broken: pa.ChunkedArray, what: str) -> None:
        row = pc.index(broken, True).as_py()
        if row >= 0:
            self._broken(law, f"{what} in row {row}: {table.slice(row, 1).to_pylist()[0]}.")

    def _broken(self, law: int, what: str) -> None:
        raise AssertionError(f"{self._info.name} breaks law {law}: {what}")


_CUTS = (1, 7, 1000)
_KEYS_TRIED = 5
_PLACES_TRIED = 5


def _maker(kernel: Any) -> Callable[[], Any]:
    """What makes a kernel with fresh state."""
    if isinstance(kernel, PythonKernel):
        return kernel.fresh
    if isinstance(kernel, Kernel):
        return lambda: type(kernel)._of_spec(kernel._spec, kernel.by)
    if isinstance(kernel, type) and issubclass(kernel, PythonKernel):
        return kernel
    name = name_of(kernel)
    info = KERNELS.get(name) or CLASSES.get(name)
    if info is None:
        raise OptionError(f"check_kernel: unknown kernel '{name}'.{_native.nearest_names(name, list(KERNELS))}")
    return cast(Callable[[], Any], getattr(fintech, info.class_name))


def _table(data: ArrowData) -> pa.Table:
    return (data if isinstance(data, pa.Table) else table_of(Stream.from_arrow(data).to_arrow())).combine_chunks()


def _decoded(column: Any) -> Any:
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def _times(rows: int, chance: random.Random) -> pa.Array:
    """They ascend, some are equal, some missing."""
    times, now = [], 1_700_000_000_000_000_000
    for _ in range(rows):
        now += chance.randrange(3) * 1_000_000
        times.append(None if chance.random() < 0.02 else now)
    return pa.array(times, pa.int64())


def _numbers(name: str, rows: int, chance: random.Random) -> pa.Array:
    """Values such as a column of this name has, some of them missing."""
    values, walk = [], 0
    for _ in range(rows):
        walk += chance.choice((-1, 0, 0, 1))
        if "side" in name:
            value = chance.choice((1.0, -1.0))
        elif any(word in name for word in ("size", "volume", "qty", "quantity", "interest")):
            value = float(chance.randrange(500))
        elif any(word in name for word in ("return", "rate", "pnl", "skew", "kurt")):
            value = chance.gauss(0.0, 0.01)
        else:
            value = 100 + 0.01 * (walk + chance.randrange(3) + _ABOVE.get(name, 0))
        values.append(value if chance.random() > 0.03 else chance.choice((None, float("nan"), float("inf"))))
    return pa.array(values, pa.float64())


_ABOVE = {"ask": 5, "high": 100, "low": -100}  # Of other prices, in hundredths.
