"""Parameter sets in the forms that people write: a grid, ranges to draw from, a list, a file of sets."""

import csv
import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sabot.errors import OptionError

if TYPE_CHECKING:
    from sabot import _native

__all__ = ["parameter_sets", "read_sets"]

_SCALES = {"log": "log_uniform", "int": "integer"}


def parameter_sets(
    grid: Mapping[str, Iterable[Any]] | None,
    random: Mapping[str, Any] | None,
    sets: Iterable[Mapping[str, Any]] | str | os.PathLike[str] | None,
    samples: int | None,
    seed: int,
) -> "_native.ParameterSets":
    """Raises: OptionError, if not exactly one of them is given, or it cannot be."""
    from sabot import _native

    given = [name for name, value in (("grid", grid), ("random", random), ("sets", sets)) if value is not None]
    if len(given) != 1:
        found = " and ".join(given) or "none of them"
        raise OptionError(f"sweep: give grid, random or sets, found {found}.")
    if random is None and samples is not None:
        raise OptionError(f"sweep: samples are for random, found {given[0]}. Leave samples out.")
    if grid is not None:
        return _native.ParameterSets.grid(_text({name: _values(name, grid[name]) for name in _named(grid, "grid")}))
    if random is not None:
        if samples is None:
            raise OptionError("sweep: random needs samples, the number of sets to draw.")
        if not 0 <= seed < 2**64:
            raise OptionError(f"sweep: seed must be from 0 to 2^64 - 1, found {seed}.")
        ranges = {name: _range(name, random[name]) for name in _named(random, "random")}
        return _native.ParameterSets.random(_text(ranges), samples, seed)
    listed = read_sets(sets) if isinstance(sets, str | os.PathLike) else list(sets or ())
    return _native.ParameterSets.listed(_text([_set(index, each) for index, each in enumerate(listed)]))


def read_sets(path: str | os.PathLike[str]) -> list[dict[str, Any]]:
    """The sets of a file: JSON, a list of objects; CSV, a column a parameter and a line a set.

    Cells of a CSV file have commas between them. One that is empty leaves the parameter to the configuration; `null`,
    and `true` and `false` in any case (True, FALSE), are what they are in JSON.
    Raises: OptionError, if it holds no sets; FileNotFoundError.
    """
    name = os.fspath(path)
    if Path(path).suffix.lower() == ".csv":
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            return _read_csv(name, file)
    try:
        listed = json.loads(Path(path).read_text(encoding="utf-8"))
    except json.JSONDecodeError as error:
        raise OptionError(f"{name}: line {error.lineno}, column {error.colno}: {error.msg}.") from None
    if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
        raise OptionError(f'{name}: expected a list of objects, such as [{{"quote_size": 100}}].')
    return listed


def _read_csv(name: str, file: Iterable[str]) -> list[dict[str, Any]]:
    lines = csv.reader(file)
    names = [column.strip() for column in next(lines, [])]
    if any(";" in column or "\t" in column for column in names):
        mark = ";" if any(";" in column for column in names) else "tab"
        raise OptionError(
            f"{name}: between the cells of the first line stands '{mark}'; expected a comma. Save the file with commas."
        )
    if not names or not all(names) or len(set(names)) != len(names):
        raise OptionError(f"{name}: the first line must name a parameter a column, each once, found {names}.")
    found = []
    for cells in lines:
        if not cells:
            continue
        if len(cells) != len(names):
            raise OptionError(f"{name}: line {lines.line_num} has {len(cells)} cells, expected {len(names)}.")
        pairs = zip(names, (cell.strip() for cell in cells), strict=True)
        found.append({column: value_of(cell) for column, cell in pairs if cell})
    return found


def value_of(text: str) -> Any:
    """A number, null, or true or false in any case, where the text is one, else the text."""
    if text == "null":
        return None
    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    try:
        return float(text)
    except ValueError:
        return text


def _named(parameters: Any, what: str) -> Iterable[str]:
    if not isinstance(parameters, Mapping):
        raise TypeError(f"sweep: {what} must be a dict by parameter, found {parameters!r}.")
    return parameters


def _values(name: str, values: Any) -> list[Any]:
    if isinstance(values, str) or not isinstance(values, Iterable):
        raise TypeError(f"sweep: the values of '{name}' must be a list, found {values!r}. Write [{values!r}].")
    return [_plain(value) for value in values]


def _range(name: str, given: Any) -> dict[str, list[Any]]:
    """Of (low, high), (low, high, "log"), (low, high, "int") or a list of choices."""
    if isinstance(given, list):
        return {"choice": [_plain(value) for value in given]}
    if not isinstance(given, tuple) or len(given) not in (2, 3) or (len(given) == 3 and given[2] not in _SCALES):
        raise OptionError(
            f"sweep: the range of '{name}' must be (low, high), (low, high, 'log'), (low, high, 'int') or a list of "
            f"choices, found {given!r}."
        )
    kind = _SCALES[given[2]] if len(given) == 3 else "uniform"
    return {kind: [_plain(value) for value in given[:2]]}


def _set(index: int, given: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        raise TypeError(f"sweep: set {index} must be a dict by parameter, found {given!r}.")
    return {name: _plain(value) for name, value in given.items()}


def _plain(value: Any) -> Any:
    """What JSON can hold: also of numpy's numbers."""
    return value.item() if hasattr(value, "item") else value


def _text(sets: Any) -> str:
    try:
        return json.dumps(sets, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise OptionError(f"sweep: the parameter sets cannot be written as JSON: {error}.") from None
