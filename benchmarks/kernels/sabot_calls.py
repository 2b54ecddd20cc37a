"""Sabot, as its users call it: an Arrow table in, the same table with new columns out."""

from collections.abc import Callable, Mapping
from typing import Any

import pyarrow as pa
from contest import Calls, on_threads
from kernels.cases import CASES, Case

import sabot
from sabot import fintech


def contender(table_of: Callable[[Case], pa.Table], threads: int, cases: Mapping[str, Case] = CASES) -> Calls:
    """Sabot on so many threads."""
    calls = {name: (lambda case=case: compute(table_of(case), case)) for name, case in cases.items()}
    return Calls(
        on_threads("Sabot", threads),
        threads,
        calls,
        lambda name, result: new_columns(cases[name], result),
        lambda: sabot.set_max_threads(threads),
    )


def compute(table: pa.Table, case: Case) -> pa.Table:
    """The case's kernels over a table."""
    if len(case.kernels) == 1:
        name, options = case.kernels[0]
        return getattr(fintech, name)(table, **options)
    return fintech.chain(table, chain_of(case))


def chain_of(case: Case) -> list[Any]:
    """Its kernels as objects."""
    classes = {info.name: getattr(fintech, info.class_name) for info in fintech.kernels()}
    return [classes[name](**options) for name, options in case.kernels]


def new_columns(case: Case, result: pa.Table) -> list[pa.ChunkedArray]:
    """What the kernels appended."""
    outputs = {info.name: len(info.outputs) for info in fintech.kernels()}
    count = sum(outputs[name] for name, _ in case.kernels)
    return result.columns[len(result.columns) - count :]
