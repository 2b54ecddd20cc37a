"""The report of a backtest or a sweep: one HTML file that needs no network, written from the files of its folder."""

import base64
import hashlib
import html
import json
import os
import re
from importlib.resources import files
from pathlib import Path
from typing import Any

from sabot.backtest.report_data import backtest_data
from sabot.backtest.report_files import (
    SUMMARY,
    SWEEP,
    UNFINISHED,
    checked_folder,
    read_summary,
    read_sweep,
    read_sweep_summary,
)
from sabot.backtest.report_sweep import sweep_data
from sabot.errors import OptionError

__all__ = ["write_report"]

# The script's parts, in the order in which they use one another.
_SCRIPTS = (
    "numbers.js",
    "elements.js",
    "figures.js",
    "time_axis.js",
    "series.js",
    "chart.js",
    "small_charts.js",
    "table.js",
    "overview.js",
    "activity.js",
    "security.js",
    "backtest.js",
    "heat_map.js",
    "sweep.js",
    "page.js",
)


def write_report(folder: str | os.PathLike[str], path: str | os.PathLike[str] | None = None) -> Path:
    """Write the report of the backtest or the sweep in a folder, and return its path.

    Reads:   backtest_summary.csv, and of each of its securities {security}_trades_timeseries.csv and
             {security}_equity.csv, of which the page says when one is missing; sweep_results.csv and sweep_summary.csv.
    path:    of the page; report.html in the folder, unless given.
    Returns: the path. The page is complete as soon as it has its name, and has the same bytes for the same files.
    Raises:  OptionError, if the folder has neither a summary nor a sweep; DataError and SchemaError, if a file cannot
             be read; OSError, if the page cannot be written.
    """
    directory = checked_folder(folder)
    target = directory / "report.html" if path is None else Path(path)
    summary, sweep = read_summary(directory), read_sweep(directory)
    if summary is None and sweep is None:
        if (directory / UNFINISHED).exists():
            raise OptionError(
                f"{directory}: the backtest that wrote into this folder did not end, or still runs: {UNFINISHED} is "
                f"there, and no {SUMMARY}. Run it again."
            )
        raise OptionError(
            f"{directory}: neither {SUMMARY} nor {SWEEP} is in this folder. Name the folder that `sabot backtest "
            f"--output` or `sabot sweep` wrote into."
        )
    name = directory.resolve().name
    data = {
        "name": name,
        "backtest": None if summary is None else backtest_data(summary, directory),
        "sweep": None if sweep is None else sweep_data(sweep, read_sweep_summary(directory), directory),
    }
    _write(target, page(name, data))
    return target


def page(name: str, data: dict[str, Any]) -> str:
    """The page, whose data stand in it so that nothing in them is taken for HTML or a script."""
    parts = files("sabot.backtest") / "report_page"
    style = (parts / "style.css").read_text(encoding="utf-8")
    modules = "".join((parts / script).read_text(encoding="utf-8") for script in _SCRIPTS)
    script = f'"use strict";\n(() => {{\n{modules}}})();\n'
    values = {
        "title": html.escape(f"{name} · {'Backtest' if data['backtest'] else 'Sweep'}"),
        "style": style,
        "script": script,
        "style_digest": _digest(style),
        "script_digest": _digest(script),
        "data": _json(data),
    }
    template = (parts / "page.html").read_text(encoding="utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda match: values[match[1]], template)


def _json(data: dict[str, Any]) -> str:
    text = json.dumps(data, allow_nan=False, ensure_ascii=True, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _digest(text: str) -> str:
    """As a Content-Security-Policy names the only script and the only style that may be used."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _write(path: Path, text: str) -> None:
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.unfinished")
    try:
        unfinished.write_text(text, encoding="utf-8", newline="\n")
        unfinished.replace(path)
    except OSError as error:  # Of the path that was asked for.
        raise OSError(error.errno, error.strerror, os.fspath(path)) from None
    finally:
        unfinished.unlink(missing_ok=True)
