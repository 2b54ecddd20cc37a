"""ExecutionGraph: what a job becomes when it runs."""

import json
from dataclasses import dataclass
from typing import Any

from sabot import _native
from sabot.errors import OptionError
from sabot.pipeline.problems import did_you_mean
from sabot.shuffle import ShuffleEdgeType

__all__ = ["Chain", "ExecutionGraph", "ShuffleEdge", "TaskVertex"]


@dataclass(frozen=True, slots=True)
class TaskVertex:
    """One copy of an operator. It runs in task (chain, copy), with the other operators of its chain."""

    id: str
    operator_id: str
    copy: int
    chain: int


@dataclass(frozen=True, slots=True)
class Chain:
    """Operators that run as one task, `parallelism` times."""

    index: int
    operators: tuple[str, ...]  # Ids, in the order in which rows pass.
    parallelism: int


@dataclass(frozen=True, slots=True)
class ShuffleEdge:
    """Rows on their way from one operator to another."""

    source: str
    target: str
    edge_type: ShuffleEdgeType
    partition_keys: tuple[str, ...]  # Of HASH and RANGE.
    num_partitions: int  # The receiver's copies.
    channels: tuple[tuple[int, int], ...]  # Pairs of copies, sender and receiver.
    source_chain: int
    target_chain: int
    input: int
    range_bounds: tuple[Any, ...]
    spill: str
    why: str  # The type is this one.

    @property
    def is_chained(self) -> bool:
        """Whether both ends run in one task, so that the edge is a call."""
        return self.source_chain == self.target_chain


class ExecutionGraph:
    """The tasks of a job, the chains they run, and the edges between them. JobGraph.to_execution_graph makes it."""

    def __init__(self, engine: "_native.ExecutionGraph", job_id: str) -> None:
        self._engine = engine
        self._job_id = job_id
        self._chains = [Chain(at, tuple(ids), copies) for at, (ids, copies) in enumerate(engine.chains)]

    @property
    def job_id(self) -> str:
        """Of the job."""
        return self._job_id

    @property
    def tasks(self) -> dict[str, TaskVertex]:
        """The copies of all operators, by id ("enrich_3")."""
        return {row[0]: TaskVertex(*row) for row in self._engine.vertices}

    @property
    def chains(self) -> list[Chain]:
        """In an order in which rows pass."""
        return list(self._chains)

    @property
    def num_tasks(self) -> int:
        """The copies of all chains: what really runs beside one another."""
        return int(self._engine.tasks)

    @property
    def shuffle_edges(self) -> list[ShuffleEdge]:
        """All edges, in the order of the chains they leave; of each chain those inside it first."""
        return [
            ShuffleEdge(
                source=row["from"],
                target=row["to"],
                edge_type=ShuffleEdgeType[row["kind"]],
                partition_keys=tuple(row["keys"]),
                num_partitions=row["receivers"],
                channels=tuple(row["channels"]),
                source_chain=row["from_chain"],
                target_chain=row["to_chain"],
                input=row["input"],
                range_bounds=tuple(json.loads(row["range_bounds"])),
                spill=row["spill"],
                why=row["why"],
            )
            for row in self._engine.edges
        ]

    def key_group_table(self, chain: "int | str | Chain") -> list[int]:
        """For each key group the copy of a chain that owns it.

        chain:  its index, the chain itself, or the id of an operator in it.
        Raises: OptionError, if there is none.
        """
        if isinstance(chain, str):
            found = next((each for each in self._chains if chain in each.operators), None)
            if found is None:
                ids = [each for other in self._chains for each in other.operators]
                raise OptionError(f"key_group_table: no operator '{chain}'.{did_you_mean(chain, ids)}")
            chain = found
        index = chain.index if isinstance(chain, Chain) else chain
        if isinstance(index, bool) or not isinstance(index, int):
            raise TypeError(f"key_group_table: chain must be an index, a Chain or an operator's id, found {chain!r}.")
        return list(self._engine.key_group_table(index))

    def explain(self) -> str:
        """The chains, their operators and the edges between them, as text."""
        return str(self._engine.explain())

    def to_mermaid(self) -> str:
        """The same as a Mermaid flowchart, which GitHub and many editors draw."""
        return str(self._engine.to_mermaid())

    def to_svg(self) -> str:
        """The same as a picture: SVG that needs nothing else."""
        return str(self._engine.to_svg())

    def to_json(self, *, indent: int | None = 2) -> str:
        """The same for programs. Nothing reads it back: the job's own JSON is JobGraph.to_json."""
        return str(self._engine.to_json(-1 if indent is None else indent))

    def __repr__(self) -> str:
        return self.explain()

    def _repr_svg_(self) -> str:
        return self.to_svg()
