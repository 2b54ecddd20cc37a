"""duckdb: window functions over the Arrow table. A column with the row's number gives
them an order; the rows of the result come in any."""

from typing import Any

import duckdb
import numpy as np
import pyarrow as pa
from contest import LITTLE_PATIENCE, Calls, on_threads
from kernels.cases import CASES, WINDOW
from ticks import Ticks

_ROW = "WINDOW w AS (PARTITION BY symbol ORDER BY row)"
_ROLL = f"WINDOW w AS (PARTITION BY symbol ORDER BY row ROWS BETWEEN {WINDOW - 1} PRECEDING AND CURRENT ROW)"
_FULL = f"count(*) OVER w = {WINDOW}"

QUERIES = {
    "midprice": "SELECT 0.5 * (bid + ask) FROM ticks",
    "midprice_nulls": "SELECT 0.5 * (bid + ask) FROM nulls",
    "diff": f"SELECT price - lag(price) OVER w FROM ticks {_ROW}",
    "ofi": f"""
        SELECT CASE WHEN b IS NOT NULL THEN
               CASE WHEN bid >= b THEN bid_size ELSE 0 END - CASE WHEN bid <= b THEN bs ELSE 0 END
             - CASE WHEN ask <= a THEN ask_size ELSE 0 END + CASE WHEN ask >= a THEN "as" ELSE 0 END END
        FROM (SELECT bid, ask, bid_size, ask_size, lag(bid) OVER w b, lag(ask) OVER w a, lag(bid_size) OVER w bs,
                     lag(ask_size) OVER w "as" FROM ticks {_ROW})""",
    "log_returns": f"SELECT ln(price / lag(price) OVER w) FROM ticks {_ROW}",
    "vwap": f"SELECT sum(price * volume) OVER w / sum(volume) OVER w FROM ticks {_ROW}",
    "rolling_std": f"SELECT CASE WHEN {_FULL} THEN stddev_samp(price) OVER w END FROM ticks {_ROLL}",
    "rolling_zscore": f"""
        SELECT CASE WHEN {_FULL} THEN (price - avg(price) OVER w) / stddev_samp(price) OVER w END FROM ticks {_ROLL}""",
    "bollinger_bands": f"""
        SELECT mid, mid + 2 * half, mid - 2 * half
        FROM (SELECT CASE WHEN {_FULL} THEN avg(price) OVER w END mid, stddev_pop(price) OVER w half
              FROM ticks {_ROLL})""",
}


def contender(ticks: Ticks, threads: int) -> Calls:
    """duckdb on so many threads."""
    connection = duckdb.connect()
    for table in ("ticks", "nulls"):
        data = ticks[table]
        connection.register(table, data.append_column("row", pa.array(np.arange(len(data)))))

    def query(case: str) -> Any:
        return connection.sql(QUERIES[case]).to_arrow_table()

    calls = {case: (lambda case=case: query(case)) for case in QUERIES if case in CASES}
    name = on_threads("duckdb", threads)
    return Calls(
        name,
        threads,
        calls,
        lambda _, result: result.columns,
        lambda: connection.execute(f"SET threads = {threads}"),
        LITTLE_PATIENCE,
    )
