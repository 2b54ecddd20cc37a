"""A job graph as a Stream: each operator is one call."""

from typing import TYPE_CHECKING, Any

from sabot.errors import OptionError
from sabot.execution.operators import OperatorType, StreamOperatorNode
from sabot.kernels import Kernel
from sabot.pipeline.steps import apply_step, open_source
from sabot.shuffle import ShuffleEdgeType
from sabot.stream import Stream

if TYPE_CHECKING:
    from sabot.execution.job_graph import JobEdge, JobGraph

__all__ = ["stream_of"]

_FUNCTIONS = {OperatorType.MAP: Stream.map, OperatorType.FLAT_MAP: Stream.flat_map}
_PLANNED_ONLY = (OperatorType.WINDOW, OperatorType.AGGREGATE, OperatorType.GROUP_BY, OperatorType.JOIN)


def stream_of(job: "JobGraph") -> Stream:
    """The stream whose rows a sink would get."""
    plan = job.to_execution_graph()
    nodes = job.operators
    feeds: dict[str, list[JobEdge]] = {each: [] for each in nodes}
    for edge in sorted(job.edges, key=lambda edge: edge.input):
        feeds[edge.target].append(edge)
    ends = [each for each, node in nodes.items() if node.operator_type is OperatorType.SINK]
    if len(ends) > 1:
        raise OptionError(f"job '{job.job_id}' has the sinks {', '.join(ends)}; a stream has one end. Leave one.")

    streams: dict[str, Stream] = {}
    for each in (operator for chain in plan.chains for operator in chain.operators):
        try:
            inputs = [streams[edge.source] for edge in feeds[each]]
            asked = [_by(edge, nodes[each], stream) for edge, stream in zip(feeds[each], inputs, strict=True)]
            made = _applied(nodes[each], asked, job, each)
            # What is no step leaves the stream as it was, and nothing asked of the next one.
            streams[each] = inputs[0] if asked and made._engine is asked[0]._engine else made
        except Exception as error:
            if f"operator '{each}'" not in str(error):
                error.add_note(f"In operator '{each}' of job '{job.job_id}'.")
            raise
    taken = {edge.source for edge in job.edges}
    end = ends[0] if ends else next(each for each in nodes if each not in taken)
    return streams[end]._in_job(job.job_id).options(key_groups=job.key_groups)


def _by(edge: "JobEdge", receiver: StreamOperatorNode, stream: Stream) -> Stream:
    """The stream whose rows reach the next step as the edge asks. FORWARD and HASH are what the engine chooses, too."""
    if edge.edge_type is ShuffleEdgeType.BROADCAST and receiver.parallelism > 1:
        raise OptionError(
            f"edge '{edge.source}' -> '{edge.target}' is a BROADCAST, which gives each of the {receiver.parallelism} "
            f"copies every row: '{edge.target}' would give every row {receiver.parallelism} times. It is for the "
            "small table of a join, and can be planned only. Leave the type out, or give the operator one copy."
        )
    if receiver.operator_type is OperatorType.KEY_BY:
        return stream  # Names a key, and passes no rows.
    if edge.spill != "never":
        stream = stream.spilling(edge.spill)
    if edge.edge_type is ShuffleEdgeType.RANGE:
        return stream.partition_by_range(edge.range_by[0], edge.range_bounds)
    if edge.edge_type is ShuffleEdgeType.REBALANCE and receiver.parallelism > 1:
        return stream.rebalance()
    return stream


def _applied(node: StreamOperatorNode, inputs: list[Stream], job: "JobGraph", operator_id: str) -> Stream:
    who = f"operator '{operator_id}'"
    kind = node.operator_type
    if kind is OperatorType.SOURCE:
        return _opened(node, who)
    stream, *others = inputs
    options = _options(node)
    if kind is OperatorType.UNION:
        if node.parallelism > 1:
            raise OptionError(
                f"{who} (union): parallelism is {node.parallelism}, but in a stream it sees all rows in one place. "
                f"Use 1."
            )
        return stream.union(*others) if others else stream
    if others:
        raise OptionError(f"{who} ({kind.value}) has {len(inputs)} inputs; in a stream only a union has several.")
    if kind is OperatorType.SINK:
        return stream
    if kind in _PLANNED_ONLY:
        raise OptionError(f"{who} is a {kind.value}, which can be planned, but not run as a step of a stream.")
    if kind in _FUNCTIONS:
        if not callable(node.function):
            raise OptionError(f"{who} ({kind.value}) has no function to run. Give it one: function=.")
        return _FUNCTIONS[kind](stream, node.function, **options)
    if kind is OperatorType.KERNEL and isinstance(node.function, Kernel):
        return stream.kernel(node.function, **options)
    if kind is OperatorType.KEY_BY:
        return stream.key_by(*node.keys())
    if node.function is not None:
        raise OptionError(f"{who} is a {kind.value}, which runs no function. Make it a map, or give parameters=.")
    step = dict(node.parameters or {})
    if kind.value not in step:
        raise OptionError(f"{who} ({kind.value}) does not say what to do. Give parameters={{'{kind.value}': ...}}.")
    if "parallelism" in step:
        raise OptionError(f"{who} ({kind.value}): the operator has the parallelism, not its parameters. Say it there.")
    if kind is OperatorType.KERNEL and (keys := job.keys_of(operator_id)):
        step["by"] = keys
    return apply_step(stream, step, who, **options)


def _options(node: StreamOperatorNode) -> dict[str, Any]:
    """What the call of a stream is told beside the step."""
    options: dict[str, Any] = {"parallelism": node.parallelism}
    if node.operator_type in _FUNCTIONS:
        options["schema"] = node.schema
    if node.operator_type is OperatorType.MAP and node.stateful:
        options["by"] = node.keys() or None
    return options


def _opened(node: StreamOperatorNode, who: str) -> Stream:
    if node.parameters is not None:
        return open_source(node.parameters, who)
    if isinstance(node.function, Stream):
        return node.function
    if node.function is None:
        raise OptionError(f"{who} is a source without rows. Give it a Stream, or parameters={{'parquet': ...}}.")
    stream = getattr(node.function, "stream", None)
    return stream if isinstance(stream, Stream) else Stream.from_arrow(node.function)
