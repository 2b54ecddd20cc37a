"""Every example runs, and so does what README.md and docs/ show: Python, YAML, C++ files, and `sabot` commands."""

import os
import re
import shutil
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = sorted((ROOT / "examples").glob("*.py"))
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
PIPELINES = sorted((ROOT / "examples" / "pipelines").glob("*.yaml"))
BLOCK = re.compile(r"^```(python|yaml|cpp|sh)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE_NAMES = {"yaml": re.compile(r"`([\w-]+\.(?:yaml|json))`"), "cpp": re.compile(r"`([\w-]+\.cc)`")}


def run(arguments: list[str], directory: Path) -> str:
    environment = {"SABOT_REAL_DATA": str((ROOT / "../shared/data").resolve())} | dict(os.environ)
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
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


def test_example_draws_pictures(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib draws the pictures: pip install 'sabot[examples]'")
    example = str(ROOT / "examples" / "volatility_of_ticks.py")
    for kind, start in (("svg", b"<?xml"), ("png", b"\x89PNG")):
        run([example, "pictures", "--generated", "--format", kind], tmp_path)
        pictures = sorted((tmp_path / "pictures").glob(f"*.{kind}"))
        assert [picture.stem for picture in pictures] == ["volatility_by_spacing", "volatility_estimators"]
        assert all(picture.read_bytes().startswith(start) for picture in pictures)


def test_example_without_matplotlib_says_what_to_install(tmp_path: Path) -> None:
    program = (
        "import runpy, sys\n"
        "sys.modules['matplotlib'] = None\n"
        "sys.argv = ['volatility_of_ticks.py', 'pictures', '--generated']\n"
        f"runpy.run_path({str(ROOT / 'examples' / 'volatility_of_ticks.py')!r}, run_name='__main__')"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, timeout=300)
    assert done.returncode == 1
    assert done.stderr == "Pictures need matplotlib: pip install 'sabot[examples]'\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("pipeline", PIPELINES, ids=lambda path: path.name)
def test_pipeline_runs(pipeline: Path, tmp_path: Path) -> None:
    folder = tmp_path / "pipelines"
    shutil.copytree(pipeline.parent, folder)
    before = set(folder.iterdir())
    assert run(["-m", "sabot", "run", pipeline.name, "-q"], folder) == ""
    written = {path.name for path in set(folder.iterdir()) - before}
    assert {f"{pipeline.stem}.parquet"} <= written <= {f"{pipeline.stem}.parquet", f"{pipeline.stem}.rejects.csv"}


def program_of(page: str) -> str:
    """The blocks of a page as one program: Python as it is, pipelines as the file last named, commands in a shell.

    C++ that follows the name of a source is that file; any other is a piece of something.
    """
    parts = []
    for block in BLOCK.finditer(page):
        language, text = block.groups()
        if language == "python":
            parts.append(text)
        elif language in FILE_NAMES:
            named = FILE_NAMES[language].findall(page, 0, block.start())
            assert named or language == "cpp", "the page names no file for its pipeline"
            if named:
                parts.append(f"__import__('pathlib').Path({named[-1]!r}).write_text({text!r})\n")
        elif re.search(r"^sabot ", text, re.MULTILINE):
            parts.append(f"__import__('subprocess').run(['bash', '-ec', {text!r}], check=True)\n")
    return "\n".join(parts)


# A page in a folder of its own.
@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_page_runs(page: Path, tmp_path: Path) -> None:
    text = program_of(page.read_text())
    if not text:
        pytest.skip("nothing in it runs")
    program = tmp_path / "page.py"
    program.write_text(text)
    run([str(program)], tmp_path)


def test_generated_pages_are_those_of_the_code() -> None:
    sys.path.insert(0, str(ROOT / "docs"))
    try:
        generate = import_module("generate")
    finally:
        sys.path.pop(0)
    for name, text in generate.generated().items():
        assert (ROOT / "docs" / "reference" / name).read_text() == text, f"docs/reference/{name}: run `make docs`"


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_of_a_page_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), f"{page.relative_to(ROOT)} links to {target}"


def test_demo_runs_and_finds_the_same_bits(tmp_path: Path) -> None:
    output = run(["-m", "sabot.demo", "--rows", "30000", "--symbols", "20"], tmp_path)
    assert "the same bits" in output


def test_reference_has_every_kernel(tmp_path: Path) -> None:
    from sabot.kernel_info import literal

    from sabot import fintech

    page = run(["-m", "sabot.reference"], tmp_path)
    for info in fintech.kernels():
        assert f"### {info.name}\n" in page
        for option in info.options:
            shown = option.name if option.required else f"{option.name}={literal(option.default)}"
            assert f"`{shown}`" in page
