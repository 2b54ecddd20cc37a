"""Every example runs, and so does every Python block of README.md and docs/."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def run(arguments: list[str], directory: Path) -> str:
    environment = {"SABOT_REAL_DATA": str((ROOT / "../shared/data").resolve())} | dict(os.environ)
    done = subprocess.run(
        [sys.executable, *arguments], cwd=directory, env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, f"{arguments}:\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name)
def test_example_runs(example: Path, tmp_path: Path) -> None:
    output = run([str(example)], tmp_path)
    if output.startswith("skipped:"):
        pytest.skip(output)
    assert list(tmp_path.iterdir()) == [], "an example leaves nothing behind"


def test_example_without_its_data_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SABOT_REAL_DATA", str(tmp_path))
    assert "SABOT_REAL_DATA" in run([str(ROOT / "examples" / "crypto_ticks.py")], tmp_path)


# The blocks of a page are one program, in a folder of their own.
@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_page_runs(page: Path, tmp_path: Path) -> None:
    blocks = BLOCK.findall(page.read_text())
    if not blocks:
        pytest.skip("no Python in it")
    program = tmp_path / "page.py"
    program.write_text("\n".join(blocks))
    run([str(program)], tmp_path)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} links to {target}"


def test_demo_runs_and_finds_the_same_bits(tmp_path: Path) -> None:
    output = run(["-m", "sabot.demo", "--rows", "30000", "--symbols", "20"], tmp_path)
    assert "the same bits" in output


def test_reference_has_every_kernel(tmp_path: Path) -> None:
    from sabot import fintech

    page = run(["-m", "sabot.reference"], tmp_path)
    for info in fintech.kernels():
        assert f"### {info.name}\n" in page
        assert all(f"`{option.name}={option.default!r}`" in page for option in info.options)
