"""Checks the names in a document: kernels, their options, and the sources that unions take in.

Looks only at what the schema found no fault with, so it can run beside the schema's check and add to its list.
"""

from collections.abc import Iterator

from sabot.pipeline.document import Document, Node
from sabot.pipeline.problems import did_you_mean, near_names
from sabot.registry import KERNELS

__all__ = ["KERNEL_KEYS", "check_names", "check_step", "mapping_of", "steps_of"]

KERNEL_KEYS = ("kernel", "by", "column", "columns", "outputs", "parallelism", "uid")


def check_names(document: Document) -> None:
    """Note every name that nothing has."""
    faults = {problem.path for problem in document.problems}
    root = mapping_of(document.root)
    sources = mapping_of(root.get("sources"))
    used = set(list(sources)[:1])
    for path, step in _all_steps(root, sources):
        if any(fault == path or fault.startswith(f"{path}.") for fault in faults):
            continue
        if "kernel" in step:
            _check_kernel(document, step, path)
        elif "union" in step:
            used |= _check_union(document, step["union"], sources, path)
    if faults:
        return  # A step that cannot be read may use a source.
    for name in sources:
        if name not in used:
            message = f"no step uses this source. Add a step 'union: {name}', or remove the source."
            document.add(root["sources"].keys[name], f"sources.{name}", message)


def check_step(document: Document) -> None:
    """The same for a document that is one step."""
    step = mapping_of(document.root)
    if "kernel" in step:
        _check_kernel(document, step, "")


def mapping_of(node: Node | None) -> dict[str, Node]:
    """The entries of a mapping; none of anything else."""
    return node.value if node is not None and isinstance(node.value, dict) else {}


def steps_of(node: Node | None) -> list[Node]:
    """The entries of a list; none of anything else."""
    return node.value if node is not None and isinstance(node.value, list) else []


def _all_steps(root: dict[str, Node], sources: dict[str, Node]) -> Iterator[tuple[str, dict[str, Node]]]:
    lists = [("steps", root.get("steps")), ("source.steps", mapping_of(root.get("source")).get("steps"))]
    lists += [(f"sources.{name}.steps", mapping_of(source).get("steps")) for name, source in sources.items()]
    for path, steps in lists:
        for index, step in enumerate(steps_of(steps)):
            yield f"{path}[{index}]", mapping_of(step)


def _check_kernel(document: Document, step: dict[str, Node], path: str) -> None:
    name = step["kernel"]
    info = KERNELS.get(str(name.value))
    if info is None:
        message = f"unknown kernel '{name.value}'.{did_you_mean(str(name.value), KERNELS)} `sabot kernels` lists all."
        document.add(name.place, f"{path}.kernel", message)
        return
    options = {option.name.rstrip("_") for option in info.options}
    for key, value in step.items():
        if key in KERNEL_KEYS or key.rstrip("_") in options:
            continue
        takes = f" It takes: {', '.join(option.name.rstrip('_') for option in info.options)}." if options else ""
        known = [*options, *KERNEL_KEYS[1:]]
        ending = did_you_mean(key, known) if near_names(key, known) else takes
        document.add(value.place, f"{path}.{key}", f"kernel '{info.name}' has no option '{key}'.{ending}")


def _check_union(document: Document, node: Node, sources: dict[str, Node], path: str) -> set[str]:
    used: set[str] = set()
    for name in node.value if isinstance(node.value, list) else [node]:
        wanted = str(name.value)
        used |= {wanted, *near_names(wanted, sources)}
        if wanted not in sources:
            ending = did_you_mean(wanted, sources) if sources else " Name several under 'sources'."
            document.add(name.place, f"{path}.union", f"unknown source '{wanted}'.{ending}")
    return used
