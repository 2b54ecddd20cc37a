"""Windows forget what has left them, however long the run was: 1e12 among many rows, and the last windows are exact."""

import numpy as np
import pyarrow as pa
import pytest
import reference
from reference.sample import OUTLIER, SYMBOLS, market

from sabot import fintech

INFOS = {info.name: info for info in fintech.kernels()}
WINDOWED = [name for name, info in INFOS.items() if "window" in {option.name for option in info.options}]
ROWS, WINDOW = 1_000_000, 50
TAIL, COMPARED = 2_000, 500  # The first rows of the tail fill the windows of the others, also where many are missing.


@pytest.fixture(scope="module")
def long_market() -> pa.Table:
    """Two symbols, and in every column of numbers 1e12 now and then, but for the tail."""
    table = market(ROWS, seed=21, symbols=2)
    random = np.random.default_rng(22)
    for index, field in enumerate(table.schema):
        if field.type == pa.float64():
            values = table[field.name].to_numpy().copy()
            hit = random.integers(0, ROWS - TAIL, ROWS // 2_000)
            values[hit] = random.choice([OUTLIER, -OUTLIER], len(hit)) if field.name != "side" else 1.0
            values[ROWS - TAIL - 1] = OUTLIER  # Still in the window where the tail begins.
            table = table.set_column(index, field.name, pa.array(values))
    return table


@pytest.mark.parametrize("name", WINDOWED)
def test_the_last_windows_after_a_million_rows(name: str, long_market: pa.Table) -> None:
    options = {"window": WINDOW}
    if "symbol_a" in {option.name for option in INFOS[name].options}:
        options |= {"symbol_a": SYMBOLS[0], "symbol_b": SYMBOLS[1]}
    names = {entry.name: f"out.{entry.name}" for entry in INFOS[name].outputs}
    result = getattr(fintech, name)(long_market, outputs=names, **options)
    assert len(result) == ROWS
    expected = reference.compute(long_market.slice(ROWS - TAIL), name, **options)
    last = {
        output: reference.Expected(values.values[-COMPARED:], values.tolerance[-COMPARED:])
        for output, values in expected.items()
    }
    reference.assert_agree(result.slice(ROWS - COMPARED), last, names)
    assert all(result[output].slice(ROWS - COMPARED).null_count < COMPARED for output in names.values())


@pytest.mark.slow
def test_the_last_windows_after_a_billion_rows() -> None:
    """One symbol, so that its state is pushed to as often; a hundred outliers in every batch but at the end of it."""
    batches, rows, window = 1_000, 1_000_000, 100
    random = np.random.default_rng(23)
    prices = 100 + 0.01 * random.integers(-500, 501, rows)
    symbols = pa.DictionaryArray.from_arrays(pa.array(np.zeros(rows, np.int32)), ["A"])
    kernel = fintech.RollingStdKernel(window=window)
    result = None
    for _ in range(batches):
        hit = random.integers(0, rows - TAIL, 100)
        kept = prices[hit]
        prices[hit] = random.choice([OUTLIER, -OUTLIER], len(hit))
        result = kernel(pa.table({"symbol": symbols, "price": prices}))
        prices[hit] = kept
    assert result is not None
    tail = pa.table({"symbol": ["A"] * TAIL, "price": prices[-TAIL:]})
    expected = reference.compute(tail, "rolling_std", window=window)["rolling_std"]
    last = reference.Expected(expected.values[window:], expected.tolerance[window:])
    found = result["rolling_std"].slice(rows - TAIL + window)
    assert reference.differences(found, last) == []
