"""Numbers that a run leaves about its tasks and channels. docs/reference/metrics.md explains each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

__all__ = ["Metric", "Sample", "metrics_of"]


@dataclass(frozen=True, slots=True)
class Sample:
    """One value of a metric: of the task, the channel or the key that its labels name."""

    labels: Mapping[str, str]
    value: float


@dataclass(frozen=True, slots=True)
class Metric:
    """A named number, once for each of what it counts."""

    name: str
    help: str  # One line, with the unit.
    kind: Literal["counter", "gauge"]
    samples: tuple[Sample, ...]

    @property
    def total(self) -> float:
        """The sum over all samples."""
        return sum(sample.value for sample in self.samples)


def metrics_of(rows: list[tuple[str, str, Any, list[tuple[dict[str, str], float]]]]) -> list[Metric]:
    """What the engine tells, typed."""
    return [
        Metric(name, text, kind, tuple(Sample(labels, value) for labels, value in samples))
        for name, text, kind, samples in rows
    ]
