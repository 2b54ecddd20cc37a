"""Jobs as graphs: operators with parallelism and keys, and the tasks, chains and shuffles they become.

job = JobGraph(job_id="prices")
job.add_source("ticks", {"parquet": "ticks.parquet"}, parallelism=4)
job.add_operator("fast", {"kernel": "ewma", "alpha": 0.06}, parallelism=2)
job.connect("ticks", "fast")
print(job.explain())
"""

from sabot.execution.execution_graph import Chain, ExecutionGraph, ShuffleEdge, TaskVertex
from sabot.execution.job_graph import JobEdge, JobGraph
from sabot.execution.operators import OperatorType, StreamOperatorNode
from sabot.shuffle import ShuffleEdgeType

__all__ = [
    "Chain",
    "ExecutionGraph",
    "JobEdge",
    "JobGraph",
    "OperatorType",
    "ShuffleEdge",
    "ShuffleEdgeType",
    "StreamOperatorNode",
    "TaskVertex",
]
