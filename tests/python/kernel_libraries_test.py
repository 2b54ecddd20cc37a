"""Kernels of your own in C++: compiled by `sabot build-kernel`, loaded, refused; the example is that of the docs."""

import math
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sabot.errors import OptionError
from sabot.kernel_libraries import BuildError, build_kernels

import sabot

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "write-a-kernel.md"
SOURCE = re.findall(r"^```cpp\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)[0]
QUICKLY = ["-O0"]  # What is compiled to be refused.


def build(folder: Path, source: str, *flags: str) -> Path:
    path = folder / "mine.cc"
    path.write_text(source)
    return build_kernels(path, flags=flags)


def run(program: str, folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """In a process of its own, where alone its kernels are loaded."""
    return subprocess.run(
        [sys.executable, "-c", program],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=300,
    )


def command(arguments: list[str], folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    return run(f"import sys; from sabot.cli import main; sys.argv[1:] = {arguments!r}; main()", folder, **environment)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build(tmp_path_factory.mktemp("library"), SOURCE)


@pytest.fixture
def load(tmp_path: Path) -> Callable[[Path], str]:
    """Tries to load what will be refused, and returns the error."""

    def loaded(path: Path) -> str:
        done = run(f"import sabot; sabot.load_kernels({str(path)!r})", tmp_path)
        assert done.returncode == 1, done.stdout + done.stderr
        return done.stderr[done.stderr.rindex("Traceback") :]

    return loaded


# --- wrong use ---


def test_sources_that_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"build-kernel: nowhere\.cc: no such file"):
        build_kernels("nowhere.cc")
    with pytest.raises(OptionError, match="there is no source"):
        build_kernels([])
    (tmp_path / "mine.cc").write_text("int main() {")
    with pytest.raises(OptionError, match=r"there is no compiler 'no-such-compiler'.*--compiler"):
        build_kernels(tmp_path / "mine.cc", compiler="no-such-compiler")
    with pytest.raises(BuildError, match=r"mine\.cc: the compiler refused it(.|\n)*mine\.cc:1:1[0-9]: error"):
        build_kernels(tmp_path / "mine.cc")
    with pytest.raises(BuildError, match="SABOT_FIELDS must name every member"):
        build(tmp_path, SOURCE.replace("int64_t quotes = 0;", "int64_t quotes = 0, more = 0;"), *QUICKLY)
    with pytest.raises(BuildError, match="Kernels must not be compiled with -ffast-math"):
        build(tmp_path, SOURCE, *QUICKLY, "-ffast-math")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.cc"]


def test_files_that_are_no_libraries(tmp_path: Path, load: Callable[[Path], str]) -> None:
    assert "FileNotFoundError" in load(tmp_path / "nowhere.so")
    assert f"load_kernels: {tmp_path}/nowhere.so: no such file" in load(tmp_path / "nowhere.so")
    assert "no such file" in load(tmp_path)
    text = tmp_path / "text.so"
    text.write_text("I am no library, and far too short for one of any kind.")
    assert re.search(r"OSError: .*text.so: it cannot be loaded: .*Build it by `sabot build-kernel`", load(text))
    assert "OptionError" in load(build(tmp_path, "int answer() { return 42; }"))
    assert "it holds no kernels: it has no line SABOT_KERNELS" in load(tmp_path / "libmine.so")


OTHER = """
extern "C" __attribute__((visibility("default"))) const char* sabot_kernels_build() { return "sabot 0.0.1"; }
extern "C" __attribute__((visibility("default"))) void sabot_kernels_list(void* kernels) { *(int*)nullptr = 1; }
"""


def test_a_library_of_another_build(tmp_path: Path, load: Callable[[Path], str]) -> None:
    found = load(build(tmp_path, OTHER))
    assert "OptionError" in found
    assert "it was built for another Sabot, or otherwise. Build it again, as by `sabot build-kernel`" in found
    assert "it:   sabot 0.0.1\n" in found
    assert re.search(
        r"here: sabot [\d.]+, arrow [\d.]+, libstdc\+\+ with the C\+\+11 ABI, without contraction, layout", found
    )


def test_a_library_whose_bits_would_differ(tmp_path: Path, load: Callable[[Path], str]) -> None:
    if " fma " not in Path("/proc/cpuinfo").read_text():
        pytest.skip("this CPU has no fused multiply-add")
    found = load(build(tmp_path, SOURCE, "-O2", "-mfma", "-ffp-contract=fast"))
    assert "with contraction, layout" in found.partition("here:")[0]
    assert "without contraction, layout" in found.partition("here:")[2]


@pytest.mark.parametrize(
    ("name", "class_name", "message"),
    [
        ("ewma", "MineKernel", "there is a kernel called 'ewma' already. Choose another name."),
        ("abs", "MineKernel", "a kernel is called 'abs', which is a function already"),
        ("mine", "Chain", "a kernel is called 'Chain', which is a function already"),
        ("my kernel", "MineKernel", "a kernel is called 'my kernel'. A name begins with a letter"),
    ],
)
def test_names_that_are_taken(
    name: str, class_name: str, message: str, tmp_path: Path, load: Callable[[Path], str]
) -> None:
    source = SOURCE.replace('"mid_momentum"', f'"{name}"', 1).replace('"MidMomentumKernel"', f'"{class_name}"')
    found = load(build(tmp_path, source, *QUICKLY))
    assert f"libmine.so: {message}" in found
    assert "OptionError" in found


def test_what_is_refused_leaves_nothing(library: Path, tmp_path: Path) -> None:
    two = SOURCE.replace('"mid_momentum"', '"ema"', 1)
    both = re.sub(r"SABOT_KERNELS.*", "", SOURCE).replace("MidMomentum", "Other").replace('"mid_momentum"', '"other"')
    main = two.replace(
        "SABOT_KERNELS(my_quotes, mine::MidMomentum)", "SABOT_KERNELS(my_quotes, mine::Other, mine::MidMomentum)"
    )
    refused = build(tmp_path, both + main, *QUICKLY)
    done = run(
        f"""
import sabot
from sabot import fintech
before = len(fintech.kernels())
try:
    sabot.load_kernels({str(refused)!r})
except sabot.errors.OptionError as error:
    print(error)
assert len(fintech.kernels()) == before and not hasattr(fintech, "other")
try:
    sabot.Stream.from_generator(rows=9).kernel("other")
except sabot.errors.OptionError as error:
    print(error)
fintech.ema(sabot.Stream.from_generator(rows=9).collect())
sabot.load_kernels({str(library)!r})
""",
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert "there is a kernel called 'ema' already" in done.stdout
    assert "unknown kernel 'other'" in done.stdout


def test_the_environment_names_what_is_not_there(tmp_path: Path) -> None:
    done = run("import sabot; sabot.Stream", tmp_path, SABOT_KERNELS="nowhere.so")
    assert done.returncode == 1
    assert "load_kernels: nowhere.so: no such file" in done.stderr
    assert "named by the environment variable SABOT_KERNELS" in done.stderr


# --- values ---


def mid_momentum(table: pa.Table, window: int) -> list[float | None]:
    """The definition, row by row."""
    mids: dict[str, list[float]] = {}
    found: list[float | None] = []
    for symbol, bid, ask in zip(*(table[name].to_pylist() for name in ("symbol", "bid", "ask")), strict=True):
        if symbol is None or bid is None or ask is None:
            found.append(None)
            continue
        mine = mids.setdefault(symbol, [])
        mine.append(0.5 * (bid + ask))
        found.append(math.log(mine[-1] / mine[-1 - window]) if len(mine) > window else None)
    return found


def test_loaded_kernels_are_sabots_own(library: Path, tmp_path: Path) -> None:
    ticks = sabot.Stream.from_generator(rows=3_000, symbols=7, nulls=0.02).collect()
    done = run(
        f"""
import pyarrow as pa, pyarrow.parquet as pq
import sabot
from sabot import fintech
from sabot.testing import check_kernel
ticks = sabot.Stream.from_generator(rows=3_000, symbols=7, nulls=0.02).collect()
(info,) = sabot.load_kernels({str(library)!r})
assert sabot.load_kernels({str(library)!r}) == [info]  # Again: nothing changes.
assert info in fintech.kernels() and len(fintech.kernels()) == len({{each.name for each in fintech.kernels()}})
assert (info.name, info.family, info.stateful) == ("mid_momentum", "my_quotes", True)
assert "window=10: int, in [1, " in fintech.mid_momentum.__doc__

whole = fintech.mid_momentum(ticks, window=5)
kernel = fintech.MidMomentumKernel(window=5)
first = kernel(ticks.slice(0, 1_000))
pq.write_table(kernel.snapshot(), "state.parquet")
resumed = fintech.Kernel.restore(pq.read_table("state.parquet"))
assert pa.concat_tables([first, resumed(ticks.slice(1_000))])["mid_momentum"].equals(whole["mid_momentum"])

stream = sabot.Stream.from_arrow(ticks)
for other in (
    stream.kernel("mid_momentum", window=5).kernel("ewma", column="mid_momentum"),
    stream.kernel(fintech.MidMomentumKernel, window=5, parallelism=3),
    stream.with_columns("mid_momentum(bid, ask, window=5)"),
    stream.with_columns(sabot.kernel("mid_momentum", window=5)),
    stream.with_columns(sabot.col("bid").mid_momentum(ask=sabot.col("ask"), window=5)),
):
    assert other.collect()["mid_momentum"].equals(whole["mid_momentum"]), other
try:
    stream.kernel("mid_momentum", window=0)
except sabot.errors.OptionError as error:
    print(error)
check_kernel("mid_momentum")
pq.write_table(whole.select(["mid_momentum"]), "whole.parquet")
""",
        tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.search(r"mid_momentum: .*window.* must be in \[1, 16777216\], found 0", done.stdout), done.stdout
    found = pq.read_table(tmp_path / "whole.parquet")["mid_momentum"].to_pylist()
    expected = mid_momentum(ticks, 5)
    assert [value is None for value in found] == [value is None for value in expected]
    assert sum(value is not None for value in expected) > 2_500
    assert [value for value in found if value is not None] == pytest.approx(
        [value for value in expected if value is not None], rel=1e-12, abs=1e-16
    )
    again = "import sabot, pyarrow.parquet as pq; sabot.fintech.Kernel.restore(pq.read_table('state.parquet'))"
    without = run(again, tmp_path)
    assert "the snapshot is of mid_momentum. Sabot has no such kernel" in without.stderr
    assert run(again, tmp_path, SABOT_KERNELS=str(library)).returncode == 0


PIPELINE = """
source: {generator: ticks, rows: 2_000, symbols: 5}
steps: [{kernel: mid_momentum, window: 5}]
sink: {parquet: out.parquet}
"""


def test_commands(library: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(PIPELINE)
    (tmp_path / "lib.so").symlink_to(library)
    assert "unknown kernel 'mid_momentum'" in command(["run", "mine.yaml", "-q"], tmp_path).stderr
    done = command(["run", "mine.yaml", "-q", "--kernels", "lib.so"], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "mid_momentum" in pq.read_schema(tmp_path / "out.parquet").names
    missing = command(["run", "mine.yaml", "-q", "--kernels", "nowhere.so"], tmp_path)
    assert missing.returncode == 2
    assert "load_kernels: nowhere.so: no such file" in missing.stderr
    listed = command(["kernels"], tmp_path, SABOT_KERNELS=f"{library}:lib.so:")
    assert re.search(r"My quotes\n  mid_momentum +Log return of the midprice over some quotes\.", listed.stdout)
    told = command(["kernels", "mid_momentum"], tmp_path, SABOT_KERNELS="lib.so")
    assert "ln(mid_t / mid_{t-window})" in told.stdout


def test_build_command(tmp_path: Path) -> None:
    (tmp_path / "mine.cc").write_text(SOURCE)
    done = command(["build-kernel", "mine.cc", "-o", "other.so", "--flag=-O0"], tmp_path)
    assert (done.returncode, done.stdout.strip()) == (0, "other.so"), done.stderr
    assert command(["kernels", "mid_momentum"], tmp_path, SABOT_KERNELS="./other.so").returncode == 0
    (tmp_path / "mine.cc").write_text("nonsense")
    failed = command(["build-kernel", "mine.cc"], tmp_path)
    assert failed.returncode == 2
    assert "the compiler refused it" in failed.stderr


def test_it_links_arrow_and_nothing_of_sabot(library: Path) -> None:
    """Whoever loads it need not export anything, and there is one Arrow in the process."""
    dynamic = subprocess.run(["readelf", "-d", str(library)], capture_output=True, text=True, check=True).stdout
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)
    assert any(name.startswith("libarrow.so.") for name in needed)
    assert not any("sabot" in name or "rocksdb" in name or "tbb" in name for name in needed)
    symbols = subprocess.run(["nm", "-D", str(library)], capture_output=True, text=True, check=True).stdout
    assert not re.search(r" U .*sabot", symbols)
    exported = re.findall(r" [TDBVWu] (\w*sabot\w*)", symbols)
    assert sorted(exported) == ["sabot_kernels_build", "sabot_kernels_list"]
