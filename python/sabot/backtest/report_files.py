"""The files that a backtest or a sweep leaves in a folder, read for its report with every mistake named."""

import json
import os
import re
from collections.abc import Mapping, Sequence
from csv import Error as CsvError
from csv import reader
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from sabot.backtest.activity import COLUMNS
from sabot.errors import DataError, OptionError, SchemaError

__all__ = [
    "ACTIVITY",
    "METRICS",
    "SUMMARY",
    "SWEEP",
    "SWEEP_SUMMARY",
    "UNFINISHED",
    "SecurityFiles",
    "checked_folder",
    "read_activity",
    "read_security",
    "read_summary",
    "read_sweep",
    "read_sweep_summary",
]

SUMMARY = "backtest_summary.csv"
UNFINISHED = "backtest_unfinished.csv"
ACTIVITY = "backtest_activity.json"
SWEEP = "sweep_results.csv"
SWEEP_SUMMARY = "sweep_summary.csv"

# What a summary says of a security, or a sweep of a set and a security.
METRICS: dict[str, pa.DataType] = {
    "trades": pa.int64(),
    "realized_pnl": pa.float64(),
    "market_dates": pa.int64(),
    "strategy_dates": pa.int64(),
    "final_position": pa.float64(),
    "volume": pa.float64(),
    "fees": pa.float64(),
    "max_drawdown": pa.float64(),
    "sharpe": pa.float64(),
    "win_rate": pa.float64(),
    "rows": pa.int64(),
    "rejected": pa.int64(),
    "error": pa.string(),
}
_TRADES = {
    "timestamp": pa.timestamp("ns"),
    "side": pa.string(),
    "fill_price": pa.float64(),
    "fill_qty": pa.float64(),
    "position": pa.float64(),
    "pnl": pa.float64(),
    "kind": pa.string(),
}
_EQUITY = {"timestamp": pa.timestamp("ns"), "mid": pa.float64(), "equity": pa.float64()}

_NAME_BYTES_MAX = 200  # What file systems allow, less the rest of a file's name.


@dataclass(frozen=True, slots=True)
class SecurityFiles:
    """What there is of one security; a file that is not there is None, and a note says so."""

    trades: pa.Table | None
    equity: pa.Table | None
    notes: tuple[str, ...]


def read_summary(folder: Path) -> pa.Table | None:
    """The summary of a backtest, one row a security; None, where the folder has none.

    Raises: DataError, if it cannot be read; SchemaError, if `security`, `trades`, `realized_pnl` or `fees` is missing.
    """
    path = folder / SUMMARY
    if not path.exists():
        return None
    table = _read(path, {"security": pa.string()} | METRICS, required=("security", "trades", "realized_pnl", "fees"))
    names = table["security"]
    if names.null_count:
        raise DataError(f"{path}: a row names no security. {_AGAIN}")
    if pc.count_distinct(names).as_py() != len(names):
        twice = next(count["values"] for count in names.value_counts().to_pylist() if count["counts"] > 1)
        raise DataError(f"{path}: '{twice}' has two rows, expected one row a security. {_AGAIN}")
    return table


def read_activity(folder: Path) -> dict[str, dict[str, Any]]:
    """Counts of ticks and orders by security, as BacktestResult.activity has them; none, where the file is missing.

    Raises: DataError, if it cannot be read.
    """
    path = folder / ACTIVITY
    if not path.exists():
        return {}
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return {security: {name: counts[name] for name in COLUMNS} for security, counts in found.items()}
    except KeyError as error:
        raise DataError(f"{path}: {error} is missing. {_AGAIN}") from None
    except (ValueError, AttributeError, TypeError) as error:
        raise DataError(f"{path}: {_reason(error)}. {_AGAIN}") from None


def read_sweep(folder: Path) -> pa.Table | None:
    """The results of a sweep, one row a set of parameters and a security; None, where the folder has none.

    Raises: DataError, if it cannot be read; SchemaError, if `set`, `security`, `trades` or `realized_pnl` is missing.
    """
    return _read_sets(folder / SWEEP, ("set", "security", "trades", "realized_pnl"))


def read_sweep_summary(folder: Path) -> pa.Table | None:
    """The same over all securities, one row a set; None, where the folder has none.

    Raises: DataError, if it cannot be read; SchemaError, if `set`, `trades` or `realized_pnl` is missing.
    """
    return _read_sets(folder / SWEEP_SUMMARY, ("set", "trades", "realized_pnl"))


def _read_sets(path: Path, required: Sequence[str]) -> pa.Table | None:
    if not path.exists():
        return None
    table = _read(path, {"set": pa.string(), "security": pa.string()} | METRICS, required=required)
    if table["set"].null_count:
        raise DataError(f"{path}: a row names no set. {_AGAIN}")
    return table


def read_security(folder: Path, security: str, trades: int) -> SecurityFiles:
    """The fills and the equity of a security, of which the summary tells so many trades.

    Raises: DataError and SchemaError, if a file is there and cannot be read.
    """
    stem = _stem(security)
    notes = []
    if len(stem.encode()) > _NAME_BYTES_MAX:
        return SecurityFiles(None, None, (f"No file can be named after '{security}'.",))
    tables: list[pa.Table | None] = []
    for kind, columns in (("trades_timeseries", _TRADES), ("equity", _EQUITY)):
        path = folder / f"{stem}_{kind}.csv"
        table = None
        if path.is_file():
            table = _read(path, columns, required=tuple(columns), only=True)
            _check_times(path, table["timestamp"].combine_chunks())
            if tables:
                _check_order(path, table["timestamp"].combine_chunks())
            else:  # Of fills: a position that is left is closed at the time of the date's last trade.
                table = table.take(pc.sort_indices(table["timestamp"]))
        else:
            notes.append(f"{path.name} is missing.")
        tables.append(table)
    fills, equity = tables
    if fills is not None and fills.num_rows != trades:
        notes.append(
            f"{stem}_trades_timeseries.csv has {fills.num_rows:,} fills, {SUMMARY} tells of {trades:,}: they are of "
            f"different runs, or a part of the file is missing."
        )
    return SecurityFiles(fills, equity, tuple(notes))


def checked_folder(folder: str | os.PathLike[str]) -> Path:
    """The folder as a path.

    Raises: OptionError, if it is none.
    """
    path = Path(folder)
    if path.name in (SUMMARY, SWEEP) and path.is_file():
        raise OptionError(f"{path}: expected the folder that this file is in, which is {path.parent}.")
    if not path.exists():
        raise OptionError(f"{path}: no such folder. Name the one that a backtest or a sweep wrote into.")
    if not path.is_dir():
        raise OptionError(f"{path}: not a folder. Name the one that a backtest or a sweep wrote into.")
    return path


_AGAIN = "The file is damaged or was written by something else: run the backtest again, into a folder of its own."


def _stem(security: str) -> str:
    """What the files of a security are named by: in lower case, '-' for what no name can hold or what would hide it."""
    name = re.sub(r"[/\\\x00-\x1f]|^[._]", "-", security)
    return re.sub("[A-Z]+", lambda letters: letters[0].lower(), name)


def _read(path: Path, types: Mapping[str, pa.DataType], *, required: Sequence[str], only: bool = False) -> pa.Table:
    """A CSV file; columns of the types are of these types, others of those that their values suggest."""
    text = [name for name, kind in types.items() if pa.types.is_string(kind)]
    present = _header(path)
    _check_columns(path, present, required)
    options: dict[str, Any] = {"include_columns": list(types)} if only else {}
    try:
        table = csv.read_csv(
            path,
            parse_options=csv.ParseOptions(newlines_in_values=True),
            convert_options=csv.ConvertOptions(
                column_types={name: kind for name, kind in types.items() if name in present},
                null_values=[""],
                strings_can_be_null=bool(text),
                **options,
            ),
        )
    except pa.ArrowInvalid as error:
        raise DataError(f"{path}: {_reason(error)}. {_AGAIN}") from None
    _check_end(path)
    return table


def _header(path: Path) -> list[str]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            return next(reader(file))
    except StopIteration:
        raise DataError(f"{path}: the file is empty. {_AGAIN}") from None
    except (UnicodeDecodeError, CsvError) as error:
        raise DataError(f"{path}: no header can be read: {_reason(error)}. {_AGAIN}") from None


def _reason(error: Exception) -> str:
    """What pyarrow says, on one line."""
    return " ".join(str(error).split()).rstrip(".")


def _check_end(path: Path) -> None:
    with path.open("rb") as file:
        file.seek(-1, os.SEEK_END)
        if file.read() != b"\n":
            raise DataError(f"{path}: the last line has no end: a part of the file is missing. {_AGAIN}")


def _check_times(path: Path, times: pa.Array) -> None:
    if times.null_count:
        raise DataError(f"{path}: a row has no timestamp. {_AGAIN}")


def _check_order(path: Path, times: pa.Array) -> None:
    earlier = pc.index(pc.less(times.slice(1), times.slice(0, max(0, len(times) - 1))), True).as_py()
    if earlier >= 0:
        raise DataError(f"{path}: time goes back, from {times[earlier]} to {times[earlier + 1]}. {_AGAIN}")


def _check_columns(path: Path, present: Sequence[str], required: Sequence[str]) -> None:
    twice = sorted({name for name in present if present.count(name) > 1})
    if twice:
        raise SchemaError(f"{path}: column '{twice[0]}' stands there twice. {_AGAIN}")
    missing = [name for name in required if name not in present]
    if missing:
        expected = " and ".join(f"'{name}'" for name in missing)
        raise SchemaError(f"{path}: no column {expected}; the file has {', '.join(present)}. {_AGAIN}")
