"""ShuffleCoordinator: the shuffles of a whole plan, over managers of this process."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

import pyarrow as pa

from sabot.errors import OptionError
from sabot.shuffle.manager import ShuffleManager, ShuffleMetrics
from sabot.shuffle.partitioners import ShuffleEdgeType

if TYPE_CHECKING:
    from sabot.execution.execution_graph import ExecutionGraph, ShuffleEdge

__all__ = ["ShuffleCoordinator"]

Managers = Mapping[str, ShuffleManager] | Iterable[ShuffleManager]


class ShuffleCoordinator:
    """Registers the edges of a plan as shuffles with the agents that run its tasks, and sums what passes through them.

    An edge between chains is a shuffle, whose partitions are the receiver's copies; inside a chain rows pass by calls.
    Its id is "source:target:input", by the ids of the operators. All managers are in this process.

    Call initialize, register_shuffles_with_agents and set_task_locations, in this order. They are coroutines, as the
    coordinator of several processes has to be; here none of them waits.
    """

    def __init__(self, execution_graph: "ExecutionGraph") -> None:
        self._graph = execution_graph
        self._assignments: dict[str, str] = {}  # Task vertex -> agent.
        self._managers: dict[str, ShuffleManager] = {}

    @property
    def shuffles(self) -> "dict[str, ShuffleEdge]":
        """The edges between chains by the ids of their shuffles."""
        edges = self._graph.shuffle_edges
        return {f"{edge.source}:{edge.target}:{edge.input}": edge for edge in edges if not edge.is_chained}

    @property
    def assignments(self) -> dict[str, str]:
        """The agent of each task vertex."""
        return dict(self._assignments)

    async def initialize(self, assignments: Mapping[str, str]) -> None:
        """Say which agent runs which task vertex.

        assignments: the agent's id by the vertex's ("enrich_3"); all of them, those of a task with the same agent.
        Raises:      OptionError, if one is missing, unknown, or apart from the others of its task.
        """
        tasks = self._graph.tasks
        if unknown := [each for each in assignments if each not in tasks]:
            raise OptionError(f"initialize: the plan has no task vertex {_listed(unknown)}.")
        if missing := [each for each in tasks if each not in assignments]:
            raise OptionError(f"initialize: no agent for {_listed(missing)}. Assign every task vertex.")
        agents: dict[tuple[int, int], tuple[str, str]] = {}
        for vertex_id, vertex in tasks.items():
            first, agent = agents.setdefault((vertex.chain, vertex.copy), (vertex_id, assignments[vertex_id]))
            if assignments[vertex_id] != agent:
                raise OptionError(
                    f"initialize: '{first}' and '{vertex_id}' run as one task, but are assigned to '{agent}' and "
                    f"'{assignments[vertex_id]}'. Assign them to one agent."
                )
        self._assignments = dict(assignments)
        self._managers = {}

    async def register_shuffles_with_agents(
        self, managers: Managers, *, schemas: Mapping[str, pa.Schema] | None = None
    ) -> list[str]:
        """Register every edge between chains with the agents that send or receive its rows.

        managers: one an agent that has tasks, in any order.
        schemas:  of the rows that leave an operator, by its id; unless given, those of the first batches.
        Returns:  the ids of the shuffles.
        Raises:   OptionError, if an agent has no manager, or a pool too few segments.
        """
        here = self._with_all_agents("register_shuffles_with_agents", managers)
        for shuffle_id, edge in self.shuffles.items():
            ranged = edge.edge_type is ShuffleEdgeType.RANGE
            hashed = edge.edge_type is ShuffleEdgeType.HASH
            for agent in dict.fromkeys([*self._senders(edge), *self._receivers(edge)]):
                registered = here[agent].register_shuffle(
                    shuffle_id,
                    edge.num_partitions,
                    edge.partition_keys,
                    edge.edge_type,
                    (schemas or {}).get(edge.source),
                    boundaries=list(edge.range_bounds) if ranged else None,
                    key_groups=len(self._graph.key_group_table(edge.target_chain)) if hashed else None,
                )
                if registered != shuffle_id:
                    raise OptionError(f"agent '{agent}' has a shuffle '{shuffle_id}' already. Give it a new manager.")
        self._managers = here
        return list(self.shuffles)

    async def set_task_locations(self, managers: Managers) -> None:
        """Tell the managers from which agents the rows of each shuffle come, in the order of the senders' copies."""
        here = self._with_all_agents("set_task_locations", managers)
        for shuffle_id, edge in self.shuffles.items():
            senders = self._senders(edge)
            for agent in dict.fromkeys([*senders, *self._receivers(edge)]):
                here[agent].set_senders(shuffle_id, senders)
        self._managers = here

    def location_of(self, task: str) -> str:
        """The agent of a task vertex."""
        if task not in self._assignments:
            raise OptionError(f"location_of: no agent was assigned to {task!r}.")
        return self._assignments[task]

    async def get_shuffle_metrics(self) -> dict[str, ShuffleMetrics]:
        """What passed through each shuffle so far, over all agents."""
        total: dict[str, ShuffleMetrics] = {}
        for shuffle_id, edge in self.shuffles.items():
            total[shuffle_id] = ShuffleMetrics()
            for agent in self._senders(edge) if self._managers else []:
                total[shuffle_id] += self._managers[agent].metrics(shuffle_id)
        return total

    def _with_all_agents(self, what: str, managers: Managers) -> dict[str, ShuffleManager]:
        if not self._assignments:
            raise OptionError(f"{what}: which agent runs what is not known yet. Call initialize first.")
        given = managers.values() if isinstance(managers, Mapping) else managers
        here = {manager.agent_id: manager for manager in given}
        if missing := sorted(set(self._assignments.values()) - set(here)):
            raise OptionError(f"{what}: there is no manager of agent {_listed(missing)}, which has tasks.")
        return here

    def _senders(self, edge: "ShuffleEdge") -> list[str]:
        return self._agents_of(edge.source)

    def _receivers(self, edge: "ShuffleEdge") -> list[str]:
        return self._agents_of(edge.target)

    def _agents_of(self, operator_id: str) -> list[str]:
        """Each once, in the order of the operator's copies."""
        if not self._assignments:
            return []
        vertices = (each for each in self._graph.tasks.values() if each.operator_id == operator_id)
        return list(dict.fromkeys(self._assignments[each.id] for each in sorted(vertices, key=lambda each: each.copy)))


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"'{each}'" for each in names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"
