"""JobGraph: operators and the edges between them, as a job asks for them."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import yaml

from sabot import _native
from sabot.errors import OptionError
from sabot.execution.execution_graph import ExecutionGraph
from sabot.execution.operators import OperatorType, StreamOperatorNode, check_unicode, node_of
from sabot.pipeline.document import Document
from sabot.pipeline.problems import did_you_mean
from sabot.shuffle import ShuffleEdgeType

if TYPE_CHECKING:
    from sabot.stream import Stream

__all__ = ["JobEdge", "JobGraph", "OperatorType", "StreamOperatorNode"]

_NOT_IN_IDS = re.compile(r"[^A-Za-z0-9_.-]+")
_PLAIN_TEXT = re.compile(r"[A-Za-z_][A-Za-z0-9_ ()./*+-]*")

_INT_MAX = 2**31 - 1

Operator = StreamOperatorNode | str  # A node, its id, or its name.


@dataclass(frozen=True, slots=True)
class JobEdge:
    """Rows of `source` go to an input of `target`. edge_type None: as the planner's rules say."""

    source: str
    target: str
    input: int = 0
    edge_type: ShuffleEdgeType | None = None
    range_by: tuple[str, ...] = ()
    range_bounds: tuple[Any, ...] = ()
    spill: str = "never"


class JobGraph:
    """A job: operators, each with its parallelism and key, and edges. It is data, and runs nothing.

    job_id:     letters, digits, '_', '-' and '.'.
    key_groups: how finely keys can be spread over copies, fixed for the job's life; no parallelism is greater.
    Raises:     OptionError, if one of them cannot be.
    """

    def __init__(self, job_id: str, *, key_groups: int = 256) -> None:
        _check_type("job_id", job_id, str, "text")
        _check_type("key_groups", key_groups, int, "a whole number")
        self._checked = _native.JobGraph(job_id, max(-1, min(key_groups, _INT_MAX)))  # Finds mistakes as they are made.
        self._nodes: dict[str, StreamOperatorNode] = {}
        self._edges: list[JobEdge] = []

    @property
    def job_id(self) -> str:
        """The name of the job."""
        return str(self._checked.job_id)

    @property
    def key_groups(self) -> int:
        """How many groups its keys fall into."""
        return int(self._checked.key_groups)

    @property
    def operators(self) -> dict[str, StreamOperatorNode]:
        """The operators by id, in the order in which they were added."""
        return dict(self._nodes)

    @property
    def edges(self) -> list[JobEdge]:
        """The edges in the order in which they were made."""
        return list(self._edges)

    def add_source(
        self,
        name: str,
        source: Any = None,
        *,
        parallelism: int = 1,
        partitioned_by: str | Sequence[str] | None = None,
        operator_id: str | None = None,
    ) -> StreamOperatorNode:
        """Add where rows come from.

        source:         a Stream or Arrow data, or parameters as a pipeline in YAML has them ({"parquet": "ticks/"});
                        nothing, if the graph is only planned.
        partitioned_by: keys that the source's partitions hold apart.
        Returns:        the operator.
        Raises:         OptionError, if the name is taken, or parallelism is out of its range.
        """
        described = isinstance(source, Mapping)
        return self._add(
            StreamOperatorNode(
                OperatorType.SOURCE,
                name=name,
                parallelism=parallelism,
                partitioned_by=partitioned_by,
                operator_id=operator_id,
                parameters=dict(source) if described else None,
                function=None if described else source,
            )
        )

    def add_operator(
        self,
        node_or_name: StreamOperatorNode | str,
        op: Any = None,
        *,
        operator_type: OperatorType | str | None = None,
        parallelism: int = 1,
        **fields: Any,
    ) -> StreamOperatorNode:
        """Add an operator: a node, or a name and what it does.

        op:            a Python function on batches, a step of a pipeline in YAML ({"filter": "price > 0"}), a kernel's
                       class or object, or what create_fintech_operator made, whose own source is left aside.
        operator_type: of a function MAP, unless given; of all else it follows from op.
        fields:        others of StreamOperatorNode, such as stateful= and key_by=.
        Returns:       the operator, with its operator_id.
        Raises:        OptionError, if the id is taken, or parallelism or a field is out of its range.
        """
        if isinstance(node_or_name, str):
            return self._add(node_of(node_or_name, op, operator_type, {"parallelism": parallelism, **fields}))
        if not isinstance(node_or_name, StreamOperatorNode):
            raise TypeError(f"add_operator: expected a StreamOperatorNode or a name, found {node_or_name!r}.")
        if op is not None or operator_type is not None or parallelism != 1 or fields:
            raise OptionError(f"add_operator: {node_or_name} says what it is itself. Give nothing beside it.")
        return self._add(node_or_name)

    def connect(
        self,
        source: Operator,
        target: Operator,
        *,
        edge_type: ShuffleEdgeType | str | None = None,
        input: int | None = None,
        range_by: str | None = None,
        range_bounds: Sequence[Any] = (),
        spill: str = "never",
    ) -> JobEdge:
        """Let the rows of one operator go to another. Both by node, id or name.

        edge_type:    as the rules say, unless given.
        input:        which input of the target; unless given, the next one that has no edge.
        range_by, range_bounds: of RANGE: a column, and the bounds between the copies, ascending.
        spill:        "overflow" or "always" writes to disk what the target does not take.
        Raises:       OptionError, if there is no such operator, or the edge closes a cycle, goes into a source, out of
                      a sink, or to an input that has one.
        """
        from_id, to_id = self._id_of(source), self._id_of(target)
        _check_type("connect: input", 0 if input is None else input, int, "a whole number")
        _check_type("connect: range_by", range_by or "", str, "the name of a column")
        _check_type("connect: spill", spill, str, "'never', 'overflow' or 'always'")
        if isinstance(range_bounds, str | bytes) or not isinstance(range_bounds, Sequence):
            raise TypeError(f"connect: range_bounds must be a list of numbers or texts, found {range_bounds!r}.")
        edge = JobEdge(
            source=from_id,
            target=to_id,
            input=sum(each.target == to_id for each in self._edges) if input is None else input,
            edge_type=None if edge_type is None else _edge_type(edge_type),
            range_by=() if range_by is None else (range_by,),
            range_bounds=tuple(range_bounds),
            spill=spill,
        )
        _connect(self._checked, edge)
        self._edges.append(edge)
        return edge

    def keys_of(self, operator: Operator) -> list[str]:
        """By which columns rows come to an operator: its own key, or of a kernel that names none the one of the key_by
        before it, or 'symbol'.
        """
        named = self._id_of(operator)
        return self._nodes[named].keys(self._inherited_key(named))

    # --- what becomes of it ---

    def to_execution_graph(self) -> ExecutionGraph:
        """Plan: tasks, chains, and the edges between them.

        Raises: OptionError, with the operator's name, if nothing feeds it, nothing takes its rows, or an edge's type
                does not fit.
        """
        return ExecutionGraph(self._planned().plan(), self.job_id)

    def to_stream(self) -> "Stream":
        """The job as a Stream, up to its sink, with the operators' parallelism. A stream's sources and sinks have one
        copy each, whatever theirs is.

        Raises: OptionError, if an operator has nothing to run, or cannot run as a step of a stream. What the steps of a
                stream raise, with a note that names the operator.
        """
        from sabot.execution.running import stream_of

        return stream_of(self)

    def explain(self) -> str:
        """The plan as text."""
        return self.to_execution_graph().explain()

    def to_svg(self) -> str:
        """The plan as a picture."""
        return self.to_execution_graph().to_svg()

    def to_json(self, *, indent: int | None = 2) -> str:
        """The job as text, from which from_json makes the same job.

        Raises: OptionError, if an operator holds a Python object, which is no part of a job's JSON.
        """
        for node in self._nodes.values():
            if node.function is not None:
                raise OptionError(
                    f"{node} of job '{self.job_id}' holds a Python object ({_kind(node.function)}), which has no JSON. "
                    f"Say what it does by parameters, such as {{'filter': 'price > 0'}}."
                )
        return str(self._planned().to_json(-1 if indent is None else indent))

    @classmethod
    def from_json(cls, text: str) -> "JobGraph":
        """Read what to_json wrote, or a person.

        Raises: OptionError, with the path in the JSON, if a member is unknown, missing, doubled or of another type.
        """
        engine = _native.JobGraph.from_json(text)
        job = cls(engine.job_id, key_groups=engine.key_groups)
        for row in engine.operators:
            parameters = json.loads(row["parameters"])
            job._add(
                StreamOperatorNode(
                    operator_type=_type_of(row["id"], row["type"]),
                    operator_id=row["id"],
                    name=row["name"],
                    parallelism=row["parallelism"],
                    stateful=row["stateful"],
                    key_by=row["key_by"] or None,
                    keeps_columns=row["keeps_columns"],
                    ordering=row["ordering"],
                    partitioned_by=row["partitioned_by"] or None,
                    parameters=parameters or None,
                )
            )
        for row in engine.edges:
            job.connect(
                row["from"],
                row["to"],
                edge_type=row["kind"],
                input=row["input"],
                range_by=row["range_by"][0] if row["range_by"] else None,
                range_bounds=json.loads(row["range_bounds"]),
                spill=row["spill"],
            )
        return job

    def to_yaml(self) -> str:
        """As to_json, in YAML."""
        return yaml.dump(json.loads(self.to_json()), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)

    @classmethod
    def from_yaml(cls, text: str) -> "JobGraph":
        """As from_json, of YAML: JSON's schema, read as pipelines are.

        Raises: PipelineError, with the line, if it is no YAML. As from_json.
        """
        document = Document.read("job graph", text)
        document.check()
        try:
            return cls.from_json(json.dumps(document.root.plain(), allow_nan=False))
        except ValueError as error:
            if isinstance(error, OptionError):
                raise
            raise OptionError("job graph: infinity and NaN have no JSON. Write them as text.") from None

    def __repr__(self) -> str:
        kinds = [f"{each}: {node.operator_type.value} x{node.parallelism}" for each, node in self._nodes.items()]
        return f"JobGraph({self.job_id!r}, {', '.join(kinds)})"

    def _add(self, node: StreamOperatorNode) -> StreamOperatorNode:
        if self._nodes.get(node.operator_id or "") is node:
            raise OptionError(f"{node} is in job '{self.job_id}' already. Make a node for each operator.")
        named = self._new_id(node) if node.operator_id is None else node.operator_id
        row = node.row()
        self._checked.add(id=named, **row)
        node.operator_id = named
        self._nodes[named] = node
        return node

    def _new_id(self, node: StreamOperatorNode) -> str:
        if node.name:
            return _NOT_IN_IDS.sub("_", node.name).lstrip(".") or "_"
        kind = node.operator_type.value
        number = 1 + sum(other.operator_type is node.operator_type for other in self._nodes.values())
        while f"{kind}_{number}" in self._nodes:
            number += 1
        return f"{kind}_{number}"

    def _id_of(self, operator: Operator) -> str:
        if isinstance(operator, StreamOperatorNode):
            if self._nodes.get(operator.operator_id or "") is not operator:
                raise OptionError(f"connect: {operator} is not in job '{self.job_id}'. Add it first.")
            return str(operator.operator_id)
        if not isinstance(operator, str):
            raise TypeError(f"connect: expected a node, an id or a name, found {operator!r}. Adding gives an id.")
        if operator not in self._nodes:
            named = [each for each, node in self._nodes.items() if node.name == operator]
            if len(named) > 1:
                raise OptionError(f"connect: '{operator}' is the name of {', '.join(named)}. Give an id.")
            if named:
                return named[0]
            self._checked.check_id(operator)
        return operator

    def _planned(self) -> Any:
        """The engine's graph of the nodes as they are now."""
        engine = _native.JobGraph(self.job_id, self.key_groups)
        for each, node in self._nodes.items():
            is_kernel = node.operator_type is OperatorType.KERNEL
            engine.add(id=each, **node.row(self._inherited_key(each) if is_kernel else ()))
        for edge in self._edges:
            _connect(engine, edge)
        return engine

    def _inherited_key(self, operator_id: str) -> list[str]:
        """The key of the key_by that stands before an operator, as in a Stream; nothing, if there is none."""
        first = {edge.target: edge.source for edge in self._edges if edge.input == 0}
        at = first.get(operator_id)
        while at is not None and self._nodes[at].operator_type is not OperatorType.KEY_BY:
            at = first.get(at)
        return [] if at is None else self._nodes[at].keys()


class _Dumper(yaml.SafeDumper):
    """Text in quotes wherever YAML 1.1 or 1.2 could read something else."""


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = None if _PLAIN_TEXT.fullmatch(text) else '"'
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def _connect(engine: Any, edge: JobEdge) -> None:
    try:
        bounds = json.dumps(list(edge.range_bounds), allow_nan=False)
    except (TypeError, ValueError):
        raise OptionError(
            f"edge '{edge.source}' -> '{edge.target}': range_bounds must be numbers or text, "
            f"found {list(edge.range_bounds)!r}."
        ) from None
    engine.connect(
        from_=edge.source,
        to=edge.target,
        input=max(-1, min(edge.input, _INT_MAX)),
        kind=None if edge.edge_type is None else edge.edge_type.name,
        range_by=list(edge.range_by),
        range_bounds=bounds,
        spill=edge.spill,
    )


def _check_type(what: str, value: object, kind: type, expected: str) -> None:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise TypeError(f"{what} must be {expected}, found {value!r}.")
    if isinstance(value, str):
        check_unicode(what, value)


def _edge_type(given: ShuffleEdgeType | str) -> ShuffleEdgeType:
    if isinstance(given, ShuffleEdgeType):
        return given
    names = [each.name for each in ShuffleEdgeType]
    if isinstance(given, str) and given.upper() in names:
        return ShuffleEdgeType[given.upper()]
    raise OptionError(f"connect: unknown edge_type {given!r}.{did_you_mean(str(given).lower(), names)}")


def _type_of(operator_id: str, name: str) -> OperatorType:
    try:
        return OperatorType(name)
    except OptionError as error:
        raise OptionError(f"job graph: operator '{operator_id}': {error}") from None


def _kind(value: object) -> str:
    return getattr(value, "__name__", None) or type(value).__name__
