"""Key groups that move while a run goes on: the rows stay what they are."""

import numpy as np
import pyarrow as pa
import pytest
from sabot.errors import OptionError

from sabot import Stream
from sabot.shuffle import KeyGroupMoves


def _skewed(rows: int = 300_000) -> pa.Table:
    random = np.random.default_rng(3)
    keys = np.minimum(random.zipf(1.3, rows), 200)
    return pa.table(
        {
            "symbol": pa.array([f"S{key}" for key in keys]),
            "timestamp": pa.array(np.arange(rows), pa.timestamp("ns")),
            "price": random.uniform(1, 2, rows),
        }
    )


@pytest.mark.parametrize("rows", [0, -1, 2**63])
def test_rows_between_two_looks_have_a_range(rows: int) -> None:
    stream = Stream.from_arrow(_skewed(10))
    with pytest.raises(OptionError, match="options: balance_rows must be from 1 to"):
        stream.options(balance_rows=rows)


def test_nothing_moves_where_nothing_runs() -> None:
    moves = KeyGroupMoves()
    with pytest.raises(OptionError, match="runs"):
        moves.move_key_groups("kernel_0", [0] * 256)
    assert (moves.tables, moves.pending, moves.moved) == ({}, False, 0)


def test_the_rows_do_not_tell_that_groups_moved(tmp_path) -> None:
    ticks = tmp_path / "ticks.parquet"
    Stream.from_arrow(_skewed()).to_parquet(ticks, row_group_rows=5_000)
    stream = Stream.from_parquet(ticks).kernel("ewma", span=20)
    stream.to_parquet(tmp_path / "plain.parquet")
    balanced = stream.options(parallelism=4, balance_rows=20_000)
    summary = balanced.to_parquet(tmp_path / "balanced.parquet")
    assert summary.key_groups_moved > 0
    assert summary.rows_read == summary.rows_written == 300_000
    assert (tmp_path / "balanced.parquet").read_bytes() == (tmp_path / "plain.parquet").read_bytes()


def test_by_hand_they_move_at_the_next_barrier(tmp_path) -> None:
    ticks = tmp_path / "ticks.parquet"
    Stream.from_arrow(_skewed()).to_parquet(ticks, row_group_rows=5_000)
    stream = Stream.from_parquet(ticks).kernel("ewma", span=20)
    moves = KeyGroupMoves()
    batches = iter(stream.options(parallelism=4, moves=moves))
    first = next(batches)
    (step,) = moves.tables
    with pytest.raises(OptionError, match="256"):
        moves.move_key_groups(step, [0] * 3)
    moves.move_key_groups(step, [3 - copy for copy in moves.tables[step]])
    rest = [first, *batches]
    assert pa.Table.from_batches(rest).combine_chunks().equals(stream.collect().combine_chunks())
    assert moves.moved in (0, 256)
