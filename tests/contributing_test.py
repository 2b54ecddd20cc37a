"""The kernel that CONTRIBUTING.md adds compiles where it says, and its test passes."""

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "release"
PAGE = (ROOT / "CONTRIBUTING.md").read_text()
BLOCKS = dict(re.findall(r"<!-- kernel: (\w+) -->\n```cpp\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))


def family() -> str:
    """The family whose header the page names."""
    named = re.search(r"\*\*1\. The struct\*\*.*`src/sabot/kernels/(\w+)\.h`", PAGE)
    assert named, "CONTRIBUTING.md names no src/sabot/kernels/<family>.h for the struct"
    return named[1]


def put(block: str, pattern: str, text: str) -> str:
    """`text` with the block in place of `pattern`."""
    text, places = re.subn(pattern, lambda _: block, text, count=1, flags=re.MULTILINE)
    assert places, f"nothing there is like {pattern}"
    return text


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True)
    path.write_text(text)
    return path


def apply(blocks: dict[str, str], copy: Path) -> Path:
    """Writes the header and the test with the blocks in them into `copy`; returns the test."""
    header = f"src/sabot/kernels/{family()}.h"
    with_row = put(blocks["row"], r"^  using Kernels = .*\n", (ROOT / header).read_text())
    write(
        copy / header,
        put(blocks["struct"] + "\n", r"^(?=struct \w+ \{\n  static constexpr std::string_view kName)", with_row),
    )
    test = f"tests/kernels/{family()}_test.cc"
    return write(copy / test, put(blocks["test"] + "\n", r"^(?=\}  // namespace$)", (ROOT / test).read_text()))


def command(source: str) -> list[str]:
    """How the release build compiles a source, up to the names of files."""
    if not (BUILD / "compile_commands.json").exists():
        pytest.skip("build/release/compile_commands.json is absent: run `make build`")
    for entry in json.loads((BUILD / "compile_commands.json").read_text()):
        if entry["file"] == str(ROOT / source):
            words = shlex.split(entry["command"])
            return words[: words.index("-o")]
    raise AssertionError(f"{source} is not part of build/release")


def run(words: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, cwd=BUILD, capture_output=True, text=True, timeout=300)


def compile_with(copy: Path, like: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Compiles as the source `like`, with headers in the copy going first."""
    words = command(like)
    first = next(i for i, word in enumerate(words) if word.startswith("-I"))
    return run([*words[:first], f"-I{copy}/src", *words[first:], "-O0", *arguments])


def check_family(copy: Path) -> subprocess.CompletedProcess[str]:
    source = f"src/sabot/operators/keyed_kernel_{family()}.cc"
    return compile_with(copy, source, "-fsyntax-only", str(ROOT / source))


def run_test(copy: Path, test: Path) -> subprocess.CompletedProcess[str]:
    """Compiles the test and links it as the release build links the one it was made from."""
    target = f"tests/kernels/{family()}_test"
    if not (BUILD / target).exists():
        pytest.skip(f"build/release/{target} is absent: run `make build`")
    compiled = compile_with(copy, f"{target}.cc", "-o", f"{copy}/test.o", "-c", str(test))
    if compiled.returncode != 0:
        return compiled
    link = run(["ninja", "-t", "commands", "-s", target])
    assert link.returncode == 0, link.stdout + link.stderr
    own = f"tests/kernels/CMakeFiles/{family()}_test.dir/{family()}_test.cc.o"
    words = link.stdout.strip().removeprefix(": && ").removesuffix(" && :").replace(own, f"{copy}/test.o")
    linked = run([*shlex.split(words), "-o", f"{copy}/test"])
    return linked if linked.returncode != 0 else run([f"{copy}/test"])


def test_kernel_of_the_page_compiles_and_passes_its_test(tmp_path: Path) -> None:
    test = apply(BLOCKS, tmp_path)
    checked = check_family(tmp_path)
    assert checked.returncode == 0, checked.stderr
    done = run_test(tmp_path, test)
    assert done.returncode == 0, done.stdout + done.stderr
    for name in re.findall(r"^TEST\((\w+), (\w+)\)", BLOCKS["test"], re.MULTILINE):
        assert f"[       OK ] {'.'.join(name)}" in done.stdout


@pytest.mark.parametrize(
    ("block", "right", "wrong", "message"),
    [
        (
            "struct",
            "SABOT_FIELDS(Scalars, mid, seen)",
            "SABOT_FIELDS(Scalars, mid)",
            "SABOT_FIELDS must name every member",
        ),
        ("struct", ".name =", ".title =", "title"),
        ("row", "MidMove", "MidMoves", "MidMoves"),
    ],
)
def test_wrong_kernel_does_not_compile(block: str, right: str, wrong: str, message: str, tmp_path: Path) -> None:
    apply(BLOCKS | {block: BLOCKS[block].replace(right, wrong)}, tmp_path)
    checked = check_family(tmp_path)
    assert checked.returncode != 0
    assert message in checked.stderr


def test_wrong_value_fails(tmp_path: Path) -> None:
    done = run_test(tmp_path, apply(BLOCKS | {"test": BLOCKS["test"].replace("0.5)", "0.25)")}, tmp_path))
    assert done.returncode != 0
    assert "Expected equality" in done.stdout
