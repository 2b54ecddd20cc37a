"""A folder of src/sabot includes only what stands to its left in src/sabot/LAYERS."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCES = Path(__file__).resolve().parents[2] / "src" / "sabot"
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]sabot/([^/">]+)(/[^">]*)?[>"]')


def read_layers(root: Path) -> dict[str, int]:
    """Folder -> position in the line; folders between two `<` share one, and are strangers."""
    lines = [line for line in (root / "LAYERS").read_text().splitlines() if line and not line.startswith("#")]
    assert len(lines) == 1, f"{root / 'LAYERS'} must hold one line, found {len(lines)}"
    layers = [layer.split() for layer in lines[0].split("<")]
    assert all(layers), f"{root / 'LAYERS'}: nothing between two '<'"
    positions = {folder: position for position, layer in enumerate(layers) for folder in layer}
    assert len(positions) == sum(map(len, layers)), f"{root / 'LAYERS'} names a folder twice"
    return positions


def broken_rules(root: Path) -> Iterator[str]:
    """One sentence for each folder that LAYERS does not name and for each include it does not allow."""
    layers = read_layers(root)
    for folder in sorted(path for path in root.iterdir() if path.is_dir()):
        if folder.name not in layers:
            yield f"{folder.name}/ is not named in LAYERS"
            continue
        for source in sorted(path for path in folder.rglob("*") if path.is_file()):
            for number, line in enumerate(source.read_text(errors="replace").splitlines(), start=1):
                included = INCLUDE.match(line)
                if included is None or included[1] == folder.name:
                    continue
                place = f"{source.relative_to(root)}:{number}"
                if included[1] not in layers:
                    yield f"{place} includes sabot/{included[1]}, which LAYERS does not name"
                elif layers[included[1]] >= layers[folder.name]:
                    yield f"{place} includes sabot/{included[1]}, which does not stand to the left of {folder.name}"


def test_folders_include_only_what_stands_to_their_left() -> None:
    assert list(broken_rules(SOURCES)) == []


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    (tmp_path / "LAYERS").write_text("data < kernels state < engine\n")
    for folder in ("data", "kernels", "state", "engine"):
        (tmp_path / folder).mkdir()
    return tmp_path


def test_checker_passes_what_is_allowed(tree: Path) -> None:
    (tree / "engine" / "runner.cc").write_text('#include "sabot/kernels/ewma.h"\n#include "sabot/engine/runner.h"\n')
    (tree / "data" / "batch.h").write_text("#include <vector>\n// sabot/engine/ is told of here only.\n")
    assert list(broken_rules(tree)) == []


@pytest.mark.parametrize(
    ("source", "line", "rule"),
    [
        (
            "data/batch.h",
            '#include "sabot/engine/runner.h"',
            "data/batch.h:2 includes sabot/engine, which does not stand to the left of data",
        ),
        (
            "kernels/ewma.cc",
            '#  include "sabot/state/blocks.h"',
            "kernels/ewma.cc:2 includes sabot/state, which does not stand to the left of kernels",
        ),
        (
            "engine/runner.cc",
            "#include <sabot/utils/all.h>",
            "engine/runner.cc:2 includes sabot/utils, which LAYERS does not name",
        ),
    ],
)
def test_checker_finds_a_forbidden_include(tree: Path, source: str, line: str, rule: str) -> None:
    (tree / source).write_text(f"// A first line.\n{line}\n")
    assert list(broken_rules(tree)) == [rule]


def test_checker_finds_a_folder_without_a_layer(tree: Path) -> None:
    (tree / "helpers").mkdir()
    assert list(broken_rules(tree)) == ["helpers/ is not named in LAYERS"]


@pytest.mark.parametrize(
    ("line", "mistake"),
    [("data < < engine", "nothing between"), ("data < engine < data", "twice"), ("data\nengine", "one line")],
)
def test_checker_refuses_a_malformed_line(tree: Path, line: str, mistake: str) -> None:
    (tree / "LAYERS").write_text(line + "\n")
    with pytest.raises(AssertionError, match=mistake):
        read_layers(tree)
