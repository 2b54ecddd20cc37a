"""Unions, keys along the way, columns by expression, rejected rows, data quality: what a stream does beside kernels."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pacsv
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sabot.errors import DataError, OptionError, SchemaError

import sabot


@pytest.fixture(scope="module")
def ticks() -> pa.Table:
    return sabot.Stream.from_generator(rows=10_000, symbols=20, nulls=0.01, late=0.05).collect()


# --- union ---


def test_columns_must_be_alike(ticks: pa.Table) -> None:
    stream = sabot.Stream.from_arrow(ticks)
    with pytest.raises(
        SchemaError, match=r"union: input 1 has other columns: column 3 is 'price' int64, expected 'price' double"
    ):
        stream.union(stream.with_columns(price="cast(volume, 'int64')"))


def test_an_event_time_that_is_none(ticks: pa.Table) -> None:
    with pytest.raises(SchemaError, match="event_time='price' is double, expected a timestamp"):
        sabot.Stream.from_arrow(ticks, event_time="price")
    with pytest.raises(SchemaError, match=r"event_time='timestam' is no column.*'timestamp'"):
        sabot.Stream.from_arrow(ticks, event_time="timestam")


rows_of_a_source = st.lists(st.one_of(st.none(), st.integers(0, 20)), max_size=30)


@settings(max_examples=200, deadline=None)
@given(
    sources=st.lists(rows_of_a_source, min_size=1, max_size=4), cuts=st.lists(st.integers(1, 8), min_size=4, max_size=4)
)
def test_a_union_is_a_sort_by_place(sources: list[list[int | None]], cuts: list[int]) -> None:
    expected = []
    streams = []
    for rank, times in enumerate(sources):
        latest = -(2**63)
        for offset, time in enumerate(times):
            latest = latest if time is None else max(latest, time)
            expected.append((latest, rank, offset, time))
        table = pa.table(
            {
                "timestamp": pa.array(times, pa.int64()),
                "source": pa.array([rank] * len(times), pa.int32()),
                "offset": pa.array(range(len(times)), pa.int64()),
            }
        )
        batches = table.to_batches(max_chunksize=cuts[rank])
        streams.append(sabot.Stream.from_iter(batches, schema=table.schema))
    made = streams[0].union(*streams[1:]).collect()
    expected.sort(key=lambda row: row[:3])
    assert list(zip(made["source"].to_pylist(), made["offset"].to_pylist(), strict=True)) == [
        row[1:3] for row in expected
    ]
    assert made["timestamp"].to_pylist() == [row[3] for row in expected]


def test_what_was_filtered_out_does_not_disturb_the_order(ticks: pa.Table) -> None:
    stream = sabot.Stream.from_arrow(ticks)
    buys, sells = stream.filter("side == 1"), stream.filter("side == -1 or side is null")
    # One source by two ways: the rows come back in their own order.
    assert buys.union(sells).collect().equals(ticks.combine_chunks())
    thirds = [
        sabot.Stream.from_iter(ticks.to_batches(max_chunksize=11)).filter(f"volume >= {low} and volume < {low + 1000}")
        for low in (0, 1000)
    ]
    rest = sabot.Stream.from_arrow(ticks).filter("volume >= 2000 or volume is null")
    made = thirds[0].union(thirds[1]).union(rest).collect()
    assert made.num_rows == ticks.num_rows
    # Three sources with one clock: by time, those of one time by source.
    ranked = ticks.append_column("rank", pc.if_else(pc.less(ticks["volume"], 1000), 0, 1))
    ranked = ranked.set_column(
        ranked.num_columns - 1,
        "rank",
        pc.fill_null(pc.if_else(pc.greater_equal(ticks["volume"], 2000), 2, ranked["rank"]), 2),
    )
    latest = np.maximum.accumulate(ticks["timestamp"].cast(pa.int64()).to_numpy())
    order = np.lexsort((np.arange(ticks.num_rows), ranked["rank"].to_numpy(), latest))
    assert made.equals(ticks.take(order).combine_chunks()) or made.to_pylist() == ticks.take(order).to_pylist()


def test_kernels_after_a_union(ticks: pa.Table) -> None:
    stream = sabot.Stream.from_arrow(ticks)
    merged = stream.filter("side == 1").union(stream.filter("side == -1 or side is null"))
    for batch_rows in (7, 10_000):
        again = sabot.Stream.from_iter(ticks.to_batches(max_chunksize=batch_rows))
        assert (
            merged.kernel("ewma", alpha=0.1)
            .collect()
            .equals(again.kernel("ewma", alpha=0.1).collect().combine_chunks())
        )


def test_sources_without_event_time_follow_one_another() -> None:
    one, two = pa.table({"x": [1, 2]}), pa.table({"x": [3]})
    assert sabot.Stream.from_arrow(two).union(sabot.Stream.from_arrow(one)).collect()["x"].to_pylist() == [3, 1, 2]


def test_a_polars_frame_with_its_views() -> None:
    frame = pl.DataFrame({"symbol": ["A", None, "a name beyond twelve letters"], "x": [1.0, 2.0, 3.0]})
    stream = sabot.Stream.from_arrow(frame)
    assert stream.filter("x > 1").collect()["symbol"].to_pylist() == [None, "a name beyond twelve letters"]
    assert stream.union(stream).collect()["x"].to_pylist() == [1.0, 1.0, 2.0, 2.0, 3.0, 3.0]


# --- columns ---


def test_columns_by_expression(ticks: pa.Table) -> None:
    stream = sabot.Stream.from_arrow(ticks)
    made = stream.with_columns(
        "midprice()",
        mid="(bid + ask) / 2",
        fast=sabot.col("price").ewma(alpha=0.1).over("symbol"),
        price=pc.field("price") * 2,
    ).collect()
    assert made.column_names == [*ticks.column_names, "midprice", "mid", "fast"]
    assert made["price"].equals(pc.multiply(ticks["price"], 2.0))
    assert made["mid"].equals(pc.divide(pc.add(ticks["bid"], ticks["ask"]), 2.0))
    assert made["fast"].equals(sabot.fintech.ewma(ticks, alpha=0.1)["ewma"])
    assert stream.select("symbol", twice="price * 2").collect().column_names == ["symbol", "twice"]


def test_kernels_of_one_key_run_as_one_pass(ticks: pa.Table) -> None:
    stream = sabot.Stream.from_arrow(ticks).with_columns(
        a=sabot.col("price").ewma(alpha=0.1).over("symbol"), b=sabot.col("price").ewma(alpha=0.2).over("symbol")
    )
    assert stream.explain().count("kernels, one pass by symbol") == 1


def test_a_filter_on_a_kernel_drops_what_it_computed(ticks: pa.Table) -> None:
    stream = sabot.Stream.from_arrow(ticks).filter("price > ewma(price, alpha=0.1).over(symbol)")
    above = pc.greater(ticks["price"], sabot.fintech.ewma(ticks, alpha=0.1)["ewma"])
    assert stream.collect().equals(ticks.filter(above))


def test_names(ticks: pa.Table) -> None:
    stream = sabot.Stream.from_arrow(ticks)
    with pytest.raises(SchemaError, match=r"rename: column 'prise' is missing.*'price'"):
        stream.rename({"prise": "p"})
    with pytest.raises(SchemaError, match="rename: two columns are called 'bid'"):
        stream.rename({"ask": "bid"})
    with pytest.raises(SchemaError, match=r"'symbl' is missing.*'symbol'"):
        stream.key_by("symbl")
    with pytest.raises(SchemaError, match=r"column 'prise' is missing.*'price'"):
        stream.filter("prise > 5")
    with pytest.raises(SchemaError, match=r"filter.*double, expected bool"):
        stream.filter("price + 5")
    renamed = stream.rename({"symbol": "ticker"}).kernel("ewma", alpha=0.1)
    assert renamed.collect()["ewma"].equals(sabot.fintech.ewma(ticks, alpha=0.1)["ewma"])


def test_key_by_is_the_key_of_kernels_that_follow(ticks: pa.Table) -> None:
    stream = sabot.Stream.from_arrow(ticks).with_columns(group="cast(side, 'int64')").key_by("group")
    expected = sabot.fintech.ewma(stream.collect(), by="group", alpha=0.1)
    assert stream.kernel("ewma", alpha=0.1).collect().equals(expected)


@pytest.mark.parametrize("rows", [1, 7, 1000, 10_000])
def test_cuts_and_threads_change_nothing(rows: int, ticks: pa.Table, threads_restored: None) -> None:
    def pipeline(stream: sabot.Stream) -> sabot.Stream:
        return (
            stream.filter("volume > 1000")
            .with_columns(notional="price * volume", slow=sabot.col("price").ewma(alpha=0.01).over("symbol"))
            .select("symbol", "timestamp", "notional", "slow", ratio="notional / slow")
        )

    batches = ticks.to_batches(max_chunksize=rows)
    tables = []
    for threads in (1, 2):
        sabot.set_max_threads(threads)
        tables += [
            pipeline(sabot.Stream.from_iter(batches)).collect(),
            pipeline(sabot.Stream.from_arrow(pa.Table.from_batches(batches))).collect(),
        ]
    sabot.set_max_threads(1)
    whole = pipeline(sabot.Stream.from_arrow(ticks.combine_chunks())).collect()
    assert all(table.equals(whole) for table in tables)


# --- rejected rows ---


def test_required_rows_are_kept_with_reason_and_place(tmp_path: Path, ticks: pa.Table) -> None:
    stream = sabot.Stream.from_iter(ticks.to_batches(max_chunksize=100)).require("price > 0", reason="no price")
    summary = stream.to_parquet(tmp_path / "out.parquet", rejects=tmp_path / "rejects.csv")
    bad = [row for row, price in enumerate(ticks["price"].to_pylist()) if price is None]
    assert bad
    assert summary.rows_rejected == len(bad)
    assert summary.rows_written == ticks.num_rows - len(bad)
    kept = pacsv.read_csv(tmp_path / "rejects.csv").to_pylist()
    assert [row["where"] for row in kept] == [f"require: offset {row} of source 0" for row in bad]
    assert {row["reason"] for row in kept} == {"no price"}
    assert "price=null" in kept[0]["row"]
    symbols = ticks["symbol"].cast(pa.string()).to_pylist()  # A dictionary's value, not all of the dictionary.
    assert [row["row"].partition(",")[0] for row in kept] == [f"symbol={symbols[row]}" for row in bad]


def test_rows_a_source_rejects_were_read(tmp_path: Path) -> None:
    """Over several files: what is read is what is written, rejected and filtered."""
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("symbol,price\nA,1\nA,x\nA,2,3\nA,0\nA,4\n")
    stream = sabot.Stream.from_csv(tmp_path / "*.csv", types={"price": "float64"}).require("price > 0")
    summary = stream.filter("price < 3").to_csv(tmp_path / "out.csv")
    assert (summary.rows_read, summary.rows_written, summary.rows_rejected) == (10, 2, 6)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda stream: stream.union([stream]), "union: expected streams, one by one, found list"),
        (lambda stream: stream.key_by(["symbol"]), r"key_by: .* Write key_by\('a', 'b'\)"),
        (lambda stream: stream.select(["price"]), "found list. Give columns one by one"),
        (lambda stream: stream.data_quality(gap=5), "gap= must be a timedelta, or text"),
        (lambda stream: stream.kernel(sabot.fintech.ewma), "Write 'ewma'"),
        (lambda _: sabot.Stream.from_parquet("a.parquet", columns="price"), r"Write columns=\['price'\]"),
    ],
)
def test_arguments_of_another_kind(ticks: pa.Table, call: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        call(sabot.Stream.from_arrow(ticks))


def test_types_by_name(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("time,price\n2024-01-02T09:30:00Z,1.25\n")
    types = {"time": "timestamp[ns, tz=UTC]", "price": "decimal128(10, 2)"}
    schema = sabot.Stream.from_csv(tmp_path / "a.csv", types=types, event_time="time").schema
    assert schema.types == [pa.timestamp("ns", tz="UTC"), pa.decimal128(10, 2)]


def test_rejects_are_csv(tmp_path: Path, ticks: pa.Table) -> None:
    with pytest.raises(OptionError, match="rejected rows are written as CSV"):
        sabot.Stream.from_arrow(ticks).collect(rejects=tmp_path / "rejects.parquet")


def test_a_requirement_may_hold_kernels(tmp_path: Path, ticks: pa.Table) -> None:
    stream = sabot.Stream.from_arrow(ticks).require("price > ewma(price, alpha=0.1).over(symbol)")
    summary = stream.to_parquet(tmp_path / "out.parquet", rejects=tmp_path / "rejects.csv")
    above = pc.greater(ticks["price"], sabot.fintech.ewma(ticks, alpha=0.1)["ewma"])
    assert stream.collect().equals(ticks.filter(above))
    assert summary.rows_written + summary.rows_rejected == ticks.num_rows
    kept = pacsv.read_csv(tmp_path / "rejects.csv").to_pylist()
    assert {row["reason"] for row in kept} == {"not price > ewma(price, alpha=0.1).over(symbol)"}
    assert "$" not in kept[0]["row"]


def test_strict_stops_at_the_first(tmp_path: Path, ticks: pa.Table) -> None:
    stream = sabot.Stream.from_arrow(ticks).require("price > 0", reason="no price")
    with pytest.raises(DataError, match=r"offset \d+ of source 0.*no price"):
        stream.to_parquet(tmp_path / "out.parquet", strict=True)
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(OptionError, match="strict=True stops at the first"):
        stream.collect(strict=True, rejects=tmp_path / "rejects.csv")


# --- data quality ---


def test_data_quality_against_a_loop(tmp_path: Path, ticks: pa.Table) -> None:
    crossed = ticks.set_column(
        ticks.schema.get_field_index("bid"),
        "bid",
        pa.array(
            [
                ask if row % 50 == 0 else ask + 1 if row % 70 == 0 and ask else bid
                for row, (bid, ask) in enumerate(zip(ticks["bid"].to_pylist(), ticks["ask"].to_pylist(), strict=True))
            ]
        ),
    )
    table = pa.concat_tables([crossed, crossed.slice(9_999), crossed.slice(9_999)])  # The last row twice more.
    expected: dict[str, dict[str, Any]] = {}
    before: dict[str, Any] = {}
    stamps = [table[name].cast(pa.int64()).to_pylist() for name in ("timestamp", "local_timestamp")]
    for row, values in enumerate(table.drop_columns(["local_timestamp"]).to_pylist()):
        counts = expected.setdefault(
            values["symbol"],
            dict.fromkeys(["rows", "duplicates", "backwards", "gaps", "gap_max_ns", "crossed", "locked", "nulls"], 0),
        )
        time, local = stamps[0][row], stamps[1][row]
        last, last_time = before.get(values["symbol"], (None, None))
        counts["rows"] += 1
        counts["duplicates"] += values == last
        if last_time is not None:
            counts["backwards"] += time < last_time
            counts["gaps"] += time - last_time > 50_000_000
            counts["gap_max_ns"] = max(counts["gap_max_ns"], time - last_time)
        if values["bid"] is not None and values["ask"] is not None:
            counts["crossed"] += values["bid"] > values["ask"]
            counts["locked"] += values["bid"] == values["ask"]
        counts["nulls"] += sum(value is None for value in values.values())
        counts["skew_min_ns"] = min(counts.get("skew_min_ns", local - time), local - time)
        counts["skew_max_ns"] = max(counts.get("skew_max_ns", local - time), local - time)
        before[values["symbol"]] = (values, time)

    assert sum(counts["duplicates"] for counts in expected.values()) == 2
    for name in ("crossed", "locked", "backwards", "gaps", "nulls"):
        assert sum(counts[name] for counts in expected.values()) > 0, name
    stream = sabot.Stream.from_arrow(table).data_quality(gap=timedelta(milliseconds=50))
    summary = stream.to_parquet(tmp_path / "out.parquet")
    assert summary.quality is not None
    found = {row.pop("symbol"): row for row in summary.quality.to_pylist()}
    assert found == expected
    assert stream.collect().equals(table.combine_chunks()) or stream.collect().equals(table)


def test_without_its_columns_counts_are_null(tmp_path: Path) -> None:
    stream = sabot.Stream.from_arrow(pa.table({"symbol": ["A", "A"], "x": np.array([1.0, 1.0])}))
    summary = stream.data_quality(gap="5s").to_csv(tmp_path / "out.csv")
    assert summary.quality is not None
    assert summary.quality.to_pylist() == [
        {
            "symbol": "A",
            "rows": 2,
            "duplicates": 1,
            "backwards": None,
            "gaps": None,
            "gap_max_ns": None,
            "crossed": None,
            "locked": None,
            "nulls": 0,
            "skew_min_ns": None,
            "skew_max_ns": None,
        }
    ]
    with pytest.raises(OptionError, match="gap: "):
        stream.data_quality(gap="soon")
