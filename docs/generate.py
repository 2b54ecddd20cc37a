"""Writes the generated pages of docs/reference/: `make docs`.

The kernels' page comes from the engine's registry and is not kept in the tree. The others come from docstrings and from
the options of the command line; tests/examples_test.py checks that they are those of the code.
"""

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from types import NoneType
from typing import Any, get_args

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "reference"
PACKAGE = ROOT / "python" / "sabot"
WIDTH = 110

# Heading, source, what is shown of it in this order (None: all that is public), and what stands before it.
SECTIONS: list[tuple[str, str, tuple[str, ...], str]] = [
    (
        "Stream",
        "stream.py",
        ("Stream",),
        "`sabot.Stream`; [what it is](../concepts/streams.md). `Path` is a string or an `os.PathLike`. `ArrowData` is "
        "anything with the Arrow PyCapsule interface, `ExprLike` an expression as text, `sabot.Expr` or of pyarrow.",
    ),
    (
        "Sources of streams",
        "stream_sources.py",
        ("StreamSources",),
        "Methods of `sabot.Stream`: `sabot.Stream.from_parquet(...)`.",
    ),
    ("Apps", "app.py", ("App",), "`sabot.App`."),
    (
        "Runs",
        "runs.py",
        ("RunSummary", "Progress"),
        "What the methods of a stream that write return, and what they call on the way.",
    ),
    (
        "Checkpoints",
        "checkpoint.py",
        (
            "CheckpointCoordinator",
            "Checkpoint",
            "OperatorState",
            "SourceState",
            "SinkState",
            "CheckpointSummary",
        ),
        "`sabot.checkpoint`; [what they are](../concepts/checkpoints.md).",
    ),
    ("Stores", "stores.py", ("MemoryBackend", "RocksDBBackend"), "`sabot.stores`: where state and checkpoints are."),
    (
        "Metrics",
        "metrics.py",
        ("Metric", "Sample"),
        "`RunSummary.metrics`; [what each one means](metrics.md).",
    ),
    (
        "Expressions",
        "expressions.py",
        ("col", "lit", "expr", "when", "kernel", "call", "Expr", "KernelExpr", "When", "Then"),
        "`sabot.col`, `sabot.lit`, `sabot.expr`, `sabot.when`, `sabot.kernel`, `sabot.Expr`; the others are in "
        "`sabot.expressions`. [What they mean](expressions.md)",
    ),
    ("Comparing outputs", "comparison.py", ("diff", "Diff", "ColumnDiff"), "`sabot.diff` and what it returns."),
    (
        "Verifying",
        "verification.py",
        ("verify", "Verification", "VerifiedRun"),
        "`sabot.verify` and what it returns; [how to use it](../how-to/verify-a-pipeline.md).",
    ),
    ("Pipelines", "pipeline/__init__.py", ("load", "parse", "schema", "Pipeline", "Sink"), "`sabot.pipeline`."),
    (
        "Operators",
        "fintech_operator.py",
        ("create_fintech_operator", "FintechKernelOperator"),
        "In `sabot.fintech`, where the [kernels](README.md) are as well.",
    ),
    (
        "Kernels of your own",
        "python_kernel.py",
        ("PythonKernel",),
        "`sabot.PythonKernel`; [how to write one](../how-to/write-a-kernel.md).",
    ),
    ("Rows of many keys", "slots.py", ("previous", "rounds"), "`sabot.previous`, `sabot.rounds`: for such kernels."),
    (
        "Libraries of kernels",
        "kernel_libraries.py",
        ("load_kernels", "build_kernels"),
        "`sabot.load_kernels`, `sabot.kernel_libraries`; [how to make one](../how-to/write-a-kernel.md#in-c).",
    ),
    (
        "Libraries of strategies",
        "strategy_libraries.py",
        ("load_strategies", "build_strategies"),
        "`sabot.load_strategies`, `sabot.strategy_libraries`; [how to make one](../how-to/write-a-strategy.md#in-c).",
    ),
    (
        "Schedules",
        "schedules.py",
        ("optimal_ac_schedule",),
        "In `sabot.fintech`.",
    ),
    (
        "Frames",
        "accessors.py",
        ("FrameAccessor", "LazyFrameAccessor"),
        "`frame.sabot`, of the frames of polars and pandas; [how to use it](../how-to/features-in-a-notebook.md).",
    ),
    (
        "Jobs",
        "execution/job_graph.py",
        ("JobGraph", "JobEdge"),
        "`sabot.execution`; [what they are](../concepts/job-graphs.md).",
    ),
    ("Operators of jobs", "execution/operators.py", ("StreamOperatorNode", "OperatorType"), "In `sabot.execution`."),
    (
        "Plans of jobs",
        "execution/execution_graph.py",
        ("ExecutionGraph", "ShuffleEdge", "Chain", "TaskVertex"),
        "In `sabot.execution`.",
    ),
    (
        "Partitioners",
        "shuffle/partitioners.py",
        (),
        "`sabot.shuffle`; [what they are for](../concepts/shuffle.md), [the hash of a key](key-hash.md).",
    ),
    (
        "Buffers between tasks",
        "shuffle/buffers.py",
        ("NetworkBufferPool", "ShuffleBuffer", "SpillManager"),
        "`sabot.shuffle`; [what they are](../concepts/shuffle.md).",
    ),
    ("Shuffles of agents", "shuffle/manager.py", ("ShuffleManager", "ShuffleMetrics"), "`sabot.shuffle`."),
    ("Shuffles of plans", "shuffle/coordinator.py", ("ShuffleCoordinator",), "`sabot.shuffle`."),
    (
        "Backtests",
        "backtest/running.py",
        ("run_parallel_backtest", "MarketMakingBacktest", "Progress"),
        "`sabot.backtest`; [how to run one](../how-to/backtest-a-strategy.md). `Path` is a string or an "
        "`os.PathLike`; `Config` a dict, the path of a JSON file, or None.",
    ),
    ("Results of backtests", "backtest/result.py", ("BacktestResult",), "What these return."),
    (
        "Strategies",
        "backtest/strategy.py",
        ("Strategy",),
        "`sabot.backtest.Strategy`; [how to write one](../how-to/write-a-strategy.md).",
    ),
    (
        "Configurations of strategies",
        "backtest/config.py",
        ("load_strategy_config", "strategies", "venue_parameters", "StrategyInfo", "ParameterInfo"),
        "`sabot.backtest`; [every key](../concepts/strategies.md).",
    ),
    (
        "Sweeps",
        "backtest/sweeping.py",
        ("sweep", "SweepProgress"),
        "`sabot.backtest`; [how to sweep](../how-to/sweep-parameters.md).",
    ),
    (
        "Results of sweeps",
        "backtest/sweep_result.py",
        ("SweepResult", "SweptSet", "MultipleTestingWarning"),
        "What these return; in `sabot.backtest`.",
    ),
    ("Paper trading", "backtest/paper.py", ("paper_trading", "PaperTrading"), "`sabot.backtest`."),
    ("Tests of functions", "testing.py", ("check_function",), "`sabot.testing`."),
    ("Tests of kernels", "kernel_laws.py", ("check_kernel",), "`sabot.testing`."),
    ("Errors", "errors.py", (), "`sabot.errors`."),
    ("Threads", "__init__.py", ("set_max_threads",), "`sabot.set_max_threads`."),
]

Function = ast.FunctionDef | ast.AsyncFunctionDef
Definition = Function | ast.ClassDef


def python_page() -> str:
    """Stream, expressions and the rest of the package but its kernels, from their docstrings."""
    parts = ["# Python", "Generated from the docstrings by `make docs`; `help(sabot.Stream.map)` prints the same."]
    for title, source, names, before in SECTIONS:
        tree = ast.parse((PACKAGE / source).read_text())
        found = {node.name: node for node in tree.body if isinstance(node, Definition)}
        parts += [f"## {title}", before]
        for name in names or found:
            parts += _entry(found[name])
    return "\n\n".join(parts) + "\n"


def _entry(node: Definition) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef):
        yield f"### {node.name}"
        yield from _function(node)
        return
    bases = ", ".join(ast.unparse(base) for base in node.bases)
    yield f"### {node.name}" + (f" ({bases})" if bases else "")
    yield from _documented(node)
    fields = [each for each in node.body if isinstance(each, ast.AnnAssign) and _is_public(ast.unparse(each.target))]
    if fields and not any(ast.unparse(each.target) == "__slots__" for each in fields):
        yield (
            "Fields: " + ", ".join(f"`{ast.unparse(each.target)}: {_plain(each.annotation)}`" for each in fields) + "."
        )
    methods = [each for each in node.body if isinstance(each, Function) and _is_public(each.name)]
    short = [each for each in methods if "\n" not in (ast.get_docstring(each) or "")]
    if len(short) > 3:  # Functions of a line each are read as a table.
        methods = [each for each in methods if each not in short]
        rows = [f"| `{_signature(each)}` | {ast.get_docstring(each)} |" for each in short]
        yield "\n".join(["| | |", "|---|---|", *rows])
    for method in methods:
        yield f"#### {node.name}.{method.name}"
        yield from _function(method)


def _function(node: Function) -> Iterator[str]:
    yield f"```text\n{_signature(node, annotated=True)}\n```"
    yield from _documented(node)


def _documented(node: Definition) -> Iterator[str]:
    """The first paragraphs as prose, and what is set in columns as it stands."""
    for number, paragraph in enumerate((ast.get_docstring(node) or "").split("\n\n")):
        in_columns = number > 0 and re.match(r"\w+(, \w+)*:\s", paragraph)
        yield f"```text\n{paragraph}\n```" if in_columns else paragraph


def _signature(node: Function, *, annotated: bool = False) -> str:
    if any(ast.unparse(each) in ("property", "cached_property") for each in node.decorator_list):
        return f"{node.name}: {_plain(node.returns)}" if annotated else node.name
    arguments = node.args
    parts: list[str] = []
    plain = [*arguments.posonlyargs, *arguments.args]
    defaults: list[ast.expr | None] = [*[None] * (len(plain) - len(arguments.defaults)), *arguments.defaults]
    for index, (each, default) in enumerate(zip(plain, defaults, strict=True)):
        parts.append(_argument(each, default, annotated=annotated))
        if index + 1 == len(arguments.posonlyargs):
            parts.append("/")
    if arguments.vararg:
        parts.append("*" + _argument(arguments.vararg, None, annotated=annotated))
    elif arguments.kwonlyargs:
        parts.append("*")
    for each, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True):
        parts.append(_argument(each, default, annotated=annotated))
    if arguments.kwarg:
        parts.append("**" + _argument(arguments.kwarg, None, annotated=annotated))
    if plain and plain[0].arg in ("self", "cls"):
        parts = parts[1:] if parts[1:2] != ["/"] else parts[2:]
    name = f"async {node.name}" if isinstance(node, ast.AsyncFunctionDef) else node.name
    result = f" -> {_plain(node.returns)}" if annotated and node.returns else ""
    line = f"{name}({', '.join(parts)}){result}"
    if not annotated or len(line) <= WIDTH:
        return line
    return f"{name}(\n" + "".join(f"    {part},\n" for part in parts) + f"){result}"


def _argument(argument: ast.arg, default: ast.expr | None, *, annotated: bool) -> str:
    text = argument.arg + (f": {_plain(argument.annotation)}" if annotated and argument.annotation else "")
    if default is None:
        return text
    return f"{text} = {ast.unparse(default)}" if annotated else f"{text}={ast.unparse(default)}"


def _plain(annotation: ast.expr | None) -> str:
    return "" if annotation is None else ast.unparse(annotation).replace("'", "")


def _is_public(name: str) -> bool:
    return not name.startswith("_")


def command_line_page() -> str:
    """The command `sabot`, from its own help."""
    from sabot.cli.application import app

    root = app.registered_callback
    assert root is not None
    parts = ["# The command `sabot`", "Generated from its help by `make docs`; `sabot COMMAND --help` prints the same."]
    parts += [root.help, _options(root.callback), _examples(root.epilog)]
    for command in app.registered_commands:
        parts += _command(command, "sabot")
    for group in app.registered_groups:
        assert group.typer_instance is not None
        parts += [f"## sabot {group.name}", inspect.cleandoc(str(group.typer_instance.info.help))]
        for command in group.typer_instance.registered_commands:
            parts += _command(command, f"sabot {group.name}")
    return "\n\n".join(re.sub(r"\[/?bold\]", "", str(part)) for part in parts) + "\n"


def _command(command: Any, before: str) -> Iterator[str]:
    name = f"{before} {command.name or command.callback.__name__.replace('_', '-')}"
    parameters = inspect.signature(command.callback).parameters.values()
    arguments = [_usage(each) for each in parameters if _is_argument(_described(each)[0])]
    yield f"{'##' if before == 'sabot' else '###'} {name}"
    yield str(command.help)
    yield f"```text\n{name} {' '.join(arguments)} [OPTIONS]\n```"
    yield _options(command.callback)
    yield _examples(command.epilog)


def _described(parameter: inspect.Parameter) -> tuple[Any, Any]:
    """What Typer is told of a parameter, and its type."""
    kind, described = get_args(parameter.annotation)
    return described, next((each for each in get_args(kind) if each is not NoneType), kind)


def _usage(argument: inspect.Parameter) -> str:
    shown = str(_described(argument)[0].metavar)
    return shown if argument.default is inspect.Parameter.empty else f"[{shown}]"


def _is_argument(described: Any) -> bool:
    return type(described).__name__ == "ArgumentInfo"


def _options(command: Any) -> str:
    rows = ["| | | unless given |", "|---|---|---|"]
    for parameter in inspect.signature(command).parameters.values():
        described, kind = _described(parameter)
        given = (described.default, *(described.param_decls or ()))  # Typer takes the first name for a default.
        names = [each for each in given if isinstance(each, str) and each.startswith("-")] or [
            f"--{parameter.name.replace('_', '-')}"
        ]
        shown = described.metavar if _is_argument(described) else ", ".join(names)
        if not _is_argument(described) and kind is not bool:
            shown += " " + (described.metavar or kind.__name__.upper()).replace("|", "\\|")
        empty = kind is bool or parameter.default in (None, inspect.Parameter.empty)
        default = "" if empty else f"`{parameter.default}`"
        rows.append(f"| `{shown}` | {described.help} | {default} |")
    return "\n".join(rows)


def _examples(epilog: Any) -> str:
    """The lines below the heading, as a block."""
    heading, _, lines = inspect.cleandoc(epilog).partition("\n")
    return f"{heading}\n\n```text\n{lines}\n```"


def generated() -> dict[str, str]:
    """The pages that are kept in the tree, by name."""
    return {"python.md": python_page(), "command-line.md": command_line_page()}


if __name__ == "__main__":
    import json

    from sabot.reference import reference

    from sabot import pipeline

    pages = {"kernels.md": reference(), "pipeline.schema.json": json.dumps(pipeline.schema(), indent=2) + "\n"}
    for name, text in (pages | generated()).items():
        (REFERENCE / name).write_text(text)
        print(REFERENCE / name)
