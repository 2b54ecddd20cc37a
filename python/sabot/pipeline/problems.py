"""What is wrong with a pipeline's description: every problem with its line, so that one look at the file mends it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from sabot.errors import SabotError

__all__ = ["PipelineError", "Place", "Problem", "did_you_mean", "near_names"]

_LINE_MAX = 110


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Line and column, counted from one, in the text that `origin` names: the file, or an override."""

    line: int
    column: int
    origin: str = ""  # "": the file.


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing to mend. path: where in the document, such as steps[2].filter."""

    place: Place
    path: str
    message: str


class PipelineError(SabotError, ValueError):
    """A pipeline's description cannot be used. `problems` has all that could be found in one reading."""

    def __init__(self, name: str, text: str, problems: Iterable[Problem]) -> None:
        self.name = name
        ordered = sorted(dict.fromkeys(problems), key=lambda problem: (problem.place.origin, problem.place))
        self.problems: Sequence[Problem] = tuple(ordered)
        lines = text.splitlines()
        parts = [f"{name}: {len(ordered)} problems."] if len(ordered) > 1 else []
        parts += [self._entry(problem, lines) for problem in ordered]
        super().__init__("\n".join(parts))

    def _entry(self, problem: Problem, lines: list[str]) -> str:
        place = problem.place
        path = f"{problem.path}: " if problem.path else ""
        if place.origin:
            return f"{place.origin}: {path}{problem.message}"
        entry = f"{self.name}:{place.line}:{place.column}: {path}{problem.message}"
        line = lines[place.line - 1].replace("\t", " ") if place.line <= len(lines) else ""
        if line.strip() and line.isprintable() and len(line) <= _LINE_MAX:
            entry += f"\n    {line}\n    {' ' * (place.column - 1)}^"
        return entry


def near_names(wanted: str, known: Iterable[str]) -> list[str]:
    """The right names that a wrong one is near to, at most three, the nearest first."""
    return get_close_matches(wanted.lower(), list(known), 3, 0.65)


def did_you_mean(wanted: str, known: Iterable[str]) -> str:
    """The end of a message about a wrong name: the nearest right ones, or all of them if there are few."""
    names = list(known)
    near = [f"'{name}'" for name in near_names(wanted, names)]
    if near:
        return f" Did you mean {', '.join(near[:-1])}{' or ' if len(near) > 1 else ''}{near[-1]}?"
    return f" Known names: {', '.join(names)}." if names and len(names) <= 12 else ""
