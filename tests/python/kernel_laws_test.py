"""sabot.testing.check_kernel finds the law that a kernel breaks, and passes those that break none."""
# ruff: noqa: RUF012

import math
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pytest
from reference.sample import market
from sabot.errors import OptionError, SchemaError
from sabot.fintech import EWMAKernel
from sabot.testing import check_kernel

import sabot
from sabot import PythonKernel, fintech

Array = np.ndarray[Any, Any]


class Change(PythonKernel):
    """Price less the one before."""

    inputs = {"price": "price"}
    outputs = {"change": pa.float64()}
    state = {"last": math.nan}

    def update(self, state: dict[str, Array], slots: Array, price: Array) -> Array:
        return price - sabot.previous(state["last"], slots, price)


class ForgetsBetweenBatches(Change):
    def update(self, state: dict[str, Array], slots: Array, price: Array) -> Array:
        return price - sabot.previous(np.full(len(state["last"]), math.nan), slots, price)


class ReadsTheFuture(Change):
    def update(self, state: dict[str, Array], slots: Array, price: Array) -> Array:
        return np.roll(price, -1) - price


class MixesSymbols(Change):
    def update(self, state: dict[str, Array], slots: Array, price: Array) -> Array:
        return price - sabot.previous(state["last"], np.zeros_like(slots), price)


class IgnoresOrderInABatch(Change):
    def update(self, state: dict[str, Array], slots: Array, price: Array) -> Array:
        change = price - state["last"][slots]
        state["last"][slots] = price
        return change


class Counted(Change):
    """The number of the row of its key, kept beside the declared state."""

    outputs = {"count": pa.float64()}

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        object.__setattr__(self, "counts", {})

    def update(self, state: dict[str, Array], slots: Array, price: Array) -> Array:
        state["last"][slots] = price
        counts: dict[int, int] = self.counts  # type: ignore[attr-defined]
        found = np.empty(len(slots))
        for row, slot in enumerate(slots.tolist()):
            found[row] = counts[slot] = counts.get(slot, 0) + 1
        return found


class DependsOnTheNumberOfTheSlot(Change):
    """Slots are in the order in which keys came: those of a restored kernel are others."""

    def update(self, state: dict[str, Array], slots: Array, price: Array) -> Array:
        return super().update(state, slots, price) * np.where(slots == 1, 2.0, 1.0)


class Wrapped(Change):
    """Breaks something around a good kernel."""

    def __call__(self, data: Any) -> Any:
        return self.broken(data, super().__call__(data))

    def broken(self, data: pa.Table, made: pa.Table) -> pa.Table:
        return made


def replaced(made: pa.Table, values: list[float | None]) -> pa.Table:
    return made.set_column(made.num_columns - 1, "change", pa.array(values, pa.float64()))


class GoesByDictionaryIndex(Wrapped):
    def broken(self, data: pa.Table, made: pa.Table) -> pa.Table:
        if not pa.types.is_dictionary(data["symbol"].type) or data.num_rows == 0:
            return made
        codes = data["symbol"].combine_chunks().indices
        return replaced(made, [None if code.as_py() is None else 1.0 * code.as_py() for code in codes])


class CountsMissingRows(Wrapped):
    """How many rows of the key there were, with those that miss their price."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        object.__setattr__(self, "counts", {})

    def broken(self, data: pa.Table, made: pa.Table) -> pa.Table:
        counts: dict[str, int] = self.counts  # type: ignore[attr-defined]
        values: list[float | None] = []
        for symbol, change in zip(made["symbol"].to_pylist(), made["change"].to_pylist(), strict=True):
            counts[symbol] = counts.get(symbol, 0) + 1
            values.append(None if change is None else float(counts[symbol]))
        return replaced(made, values)

    def snapshot(self) -> pa.Table:
        plain = super().snapshot()
        return plain.replace_schema_metadata({**plain.schema.metadata, b"counts": repr(self.counts).encode()})  # type: ignore[attr-defined]

    @classmethod
    def restore(cls, snapshot: Any) -> Self:
        restored = super().restore(snapshot)
        object.__setattr__(restored, "counts", eval(snapshot.schema.metadata[b"counts"]))
        return restored


class AnswersMissingRows(Wrapped):
    def broken(self, data: pa.Table, made: pa.Table) -> pa.Table:
        there = [value is not None for value in made["symbol"].to_pylist()]
        changes = [
            0.0 if value is None and keyed else value
            for value, keyed in zip(made["change"].to_pylist(), there, strict=True)
        ]
        return replaced(made, changes)


class ReturnsNaN(Wrapped):
    def broken(self, data: pa.Table, made: pa.Table) -> pa.Table:
        return replaced(made, [math.nan if value is None else value for value in made["change"].to_pylist()])


class AnswersNullKeys(Wrapped):
    def broken(self, data: pa.Table, made: pa.Table) -> pa.Table:
        return replaced(made, [1.0 if value is None else value for value in made["change"].to_pylist()])


class ReordersRows(Wrapped):
    def broken(self, data: pa.Table, made: pa.Table) -> pa.Table:
        return made.sort_by("price")


class DropsAColumn(Wrapped):
    def broken(self, data: pa.Table, made: pa.Table) -> pa.Table:
        return made.drop(["price"])


class MakesNothing(Wrapped):
    def broken(self, data: pa.Table, made: pa.Table) -> pa.Table:
        return replaced(made, [None] * len(made))


@pytest.mark.parametrize(
    ("kernel", "message"),
    [
        (
            ForgetsBetweenBatches,
            r"ForgetsBetweenBatches breaks law 1: outputs depend on how rows are cut into batches\. "
            r"The first is row \d+ \('.*'\), column 'change': \S+ in one batch, null in batches of 1\.",
        ),
        (
            ReadsTheFuture,
            r"ReadsTheFuture breaks law 5: an output depends on later rows\. The first is row \d+ .*, column "
            r"'change': \S+ with the rows behind it, \S+ without\.",
        ),
        (MixesSymbols, r"MixesSymbols breaks law 2: rows of other keys than '.*' change its outputs .*among others"),
        (IgnoresOrderInABatch, r"IgnoresOrderInABatch breaks law 1: outputs depend on how rows are cut"),
        (Counted, r"Counted breaks law 3: a restored kernel goes on otherwise .*column 'count': \S+ without a stop"),
        (DependsOnTheNumberOfTheSlot, r"DependsOnTheNumberOfTheSlot breaks law 2"),
        (GoesByDictionaryIndex, r"GoesByDictionaryIndex breaks law 6: outputs depend on how keys are encoded"),
        (
            CountsMissingRows,
            r"CountsMissingRows breaks law 4: a row with a missing input changes the outputs of others",
        ),
        (AnswersMissingRows, r"AnswersMissingRows breaks law 4: 'change' has a value although an input is missing"),
        (ReturnsNaN, r"ReturnsNaN breaks law 7: 'change' is NaN or infinite in row 0: {'symbol'"),
        (AnswersNullKeys, r"AnswersNullKeys breaks law 7: 'change' has a value although the key is null in row \d+: "),
        (ReordersRows, r"ReordersRows breaks law 7: rows change\. The first is row \d+"),
        (DropsAColumn, r"DropsAColumn breaks law 7: it returns the columns \['symbol', 'change'\], given were"),
        (MakesNothing, r"MakesNothing: 'change' is null in all 500 rows.*Give data="),
    ],
    ids=lambda value: value.__name__ if isinstance(value, type) else "",
)
def test_a_broken_kernel_is_found_out(kernel: type[PythonKernel], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_kernel(kernel, rows=500)


def test_data_that_shows_nothing_breaks_nothing() -> None:
    """What a law is about has to be in the data."""
    alone = pa.table({"symbol": ["A"] * 50, "price": [float(row) for row in range(50)]})
    check_kernel(MixesSymbols, alone)
    with pytest.raises(AssertionError, match="law 2"):
        check_kernel(MixesSymbols, alone.set_column(0, "symbol", pa.array(["A", "B"] * 25)))


def test_what_cannot_be_checked() -> None:
    with pytest.raises(OptionError, match=r"check_kernel: unknown kernel 'emwa'\. Nearest names: .*'ewma'"):
        check_kernel("emwa")
    with pytest.raises(SchemaError, match="needs column 'price'"):
        check_kernel(Change, pa.table({"symbol": ["A"], "bid": [1.0]}))
    with pytest.raises(TypeError):
        check_kernel(7)  # type: ignore[arg-type]


def test_good_kernels_pass() -> None:
    made = check_kernel(Change)
    assert made.column_names == ["symbol", "price", "change"]
    frame = made.select(["symbol", "price"])
    again = check_kernel(Change(columns={"price": "price"}, outputs={"change": "delta"}), frame)
    assert again["delta"].equals(made["change"])
    polars = sabot.Stream.from_generator(rows=300).collect()
    check_kernel(Change, polars)


def test_objects_are_not_changed() -> None:
    kernel, other = Change(), EWMAKernel(alpha=0.5)
    check_kernel(kernel, rows=100)
    check_kernel(other, rows=100)
    assert kernel.snapshot().num_rows == 0
    assert other.snapshot().num_rows == 0


class Spread(PythonKernel):
    """A kernel without state."""

    inputs = {"bid": "bid", "ask": "ask"}
    outputs = {"spread": pa.float64(), "wide": pa.bool_()}

    def compute(self, bid: Array, ask: Array) -> dict[str, Array]:
        return {"spread": ask - bid, "wide": ask - bid > 0.05}


class AgainstTheMean(Spread):
    def compute(self, bid: Array, ask: Array) -> dict[str, Array]:
        return {"spread": ask - ask.mean(), "wide": ask > bid}


def test_kernels_without_state() -> None:
    check_kernel(Spread)
    check_kernel("midprice")
    with pytest.raises(AssertionError, match="AgainstTheMean breaks law 5"):
        check_kernel(AgainstTheMean)


def under_which_there_are_outputs(info: Any) -> dict[str, Any]:
    """Options: short windows, and what a short market fills or shows."""
    options: dict[str, Any] = {"vpin": {"bucket_volume": 300.0, "n_buckets": 3}, "macd": {"fast": 3, "slow": 5}}
    windows = {option.name: 6 for option in info.options if option.name == "window" and option.default}
    pair = {"symbol_a": "BTC", "symbol_b": "ETH"} if info.pair else {}
    return options.get(info.name, windows) | pair


@pytest.mark.parametrize("info", fintech.kernels(), ids=lambda info: info.name)
def test_sabots_own_pass(info: Any) -> None:
    kernel = getattr(fintech, info.class_name)(**under_which_there_are_outputs(info))
    columns = dict.fromkeys(["symbol", *(entry.column for entry in info.inputs)])
    check_kernel(kernel, market(400, seed=5, missing=0.02).select(list(columns)))
