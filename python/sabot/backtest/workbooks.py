"""Tick workbooks of a market that was made up: a sheet a security, as market makers in Abu Dhabi and Dubai export them.

They are written with XlsxWriter (`pip install sabot[workbooks]`).
"""

import datetime as dt
import os
from collections.abc import Callable, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

from sabot.backtest.made_up_market import MadeUpTick, made_up_ticks, trading_days
from sabot.errors import OptionError

__all__ = ["HEADER", "generate_tick_workbook"]

HEADER = ("Dates", "Type", "Price", "Size")
TICKS_MAX = 1_048_576 - 3  # Rows of a sheet, without the titles and the header.

_SECURITIES = (
    "ADNOCGAS UH", "ADNOCDRI UH", "FAB UH", "ALDAR UH", "EMAAR DH", "DIB DH", "ADCB UH", "TAQA UH",
    "BOROUGE UH", "DEWA DH", "SALIK DH", "FERTIGLB UH", "ADPORTS UH", "EAND UH", "EMAARDEV DH", "PUREHLTH UH",
)  # fmt: skip


def generate_tick_workbook(
    path: str | PathLike[str],
    *,
    securities: int | Sequence[str] = 16,
    ticks: int = 42_000,
    seed: int = 1,
    dates: int | Sequence[dt.date] = 5,
    inline_strings: bool = True,
    text_dates: bool = False,
    date1904: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> Path:
    """Write a workbook of ticks that were made up: two title rows, the header, then a row a tick.

    securities:     how many, or their names, such as `ADNOCGAS UH Equity`: one sheet each.
    ticks:          rows of each sheet, divided among the dates.
    seed:           another one gives other ticks.
    dates:          how many trading days from 5 August 2024, or which.
    inline_strings: texts in the cells, and memory for a row only; else in a table that all sheets share, as Excel does.
    text_dates:     dates as text, such as `2024-08-05 10:05:00.123`, in place of Excel's numbers.
    date1904:       numbers of dates that count from 1904.
    progress:       is called with the securities written and all of them.
    Returns:        the path.
    Raises:         OptionError, if an option is out of its range; ImportError without XlsxWriter.
    """
    try:
        import xlsxwriter
    except ImportError as error:
        raise ImportError(
            "generate_tick_workbook: workbooks are written with XlsxWriter, which is not installed. "
            "Run: pip install 'sabot[workbooks]'"
        ) from error
    names = _sheet_names(securities)
    days = trading_days(dates)
    if not 1 <= ticks <= TICKS_MAX:
        raise OptionError(
            f"generate_tick_workbook: ticks must be 1 to {TICKS_MAX:,} (a sheet has no more rows), found {ticks}."
        )
    path = Path(path)
    epoch = dt.date(1904, 1, 1) if date1904 else dt.date(1899, 12, 30)
    options = {"constant_memory": inline_strings, "date_1904": date1904, "strings_to_numbers": False}
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        workbook = xlsxwriter.Workbook(str(unfinished), options)
        # The time that stands in the file as its creation: the same options give the same bytes.
        workbook.set_properties({"created": dt.datetime.combine(days[0], dt.time())})
        form = workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss.000"})
        for written, name in enumerate(names, start=1):
            sheet = workbook.add_worksheet(name)
            sheet.set_column(0, 0, 24)
            sheet.write_string(0, 0, name)
            sheet.write_string(1, 0, "Made-up ticks; local time of the venue")
            for column, title in enumerate(HEADER):
                sheet.write_string(2, column, title)
            for row, tick in enumerate(made_up_ticks(name, ticks=ticks, seed=seed, dates=days), start=3):
                _write(sheet, row, tick, epoch, form, as_text=text_dates)
            if progress is not None:
                progress(written, len(names))
        workbook.close()
        unfinished.replace(path)
    except xlsxwriter.exceptions.XlsxWriterException as error:
        cause = error.args[0] if error.args else error
        if isinstance(cause, OSError):
            raise cause from None
        raise OptionError(f"generate_tick_workbook: {error}") from error
    finally:
        unfinished.unlink(missing_ok=True)
    return path


def _write(sheet: Any, row: int, tick: MadeUpTick, epoch: dt.date, form: Any, *, as_text: bool) -> None:
    if as_text:
        sheet.write_string(row, 0, tick.time.isoformat(" ", "milliseconds"))
    else:
        since_midnight = tick.time - dt.datetime.combine(tick.time, dt.time())
        sheet.write_number(row, 0, (tick.time.date() - epoch).days + since_midnight / dt.timedelta(days=1), form)
    sheet.write_string(row, 1, tick.type)
    sheet.write_number(row, 2, tick.price)
    sheet.write_number(row, 3, tick.size)


def _sheet_names(securities: int | Sequence[str]) -> list[str]:
    if not isinstance(securities, int):
        names = list(securities)
    else:
        names = [f"{name} Equity" for name in _SECURITIES[:securities]]
        names += [f"SEC{number:04} UH Equity" for number in range(len(names), securities)]
    if not names or len({name.lower() for name in names}) != len(names):
        raise OptionError(f"generate_tick_workbook: securities must be at least one, each once, found {securities!r}.")
    return names
