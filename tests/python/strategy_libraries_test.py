"""Strategies of your own in C++: compiled by `sabot build-strategy`, loaded, refused. The example is the docs'."""

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
from sabot.strategy_libraries import BuildError, build_strategies

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "write-a-strategy.md"
SOURCE = re.findall(r"^```cpp\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)[0]
QUICKLY = ["-O0"]  # What is compiled to be refused.


def build(folder: Path, source: str, *flags: str) -> Path:
    path = folder / "mine.cc"
    path.write_text(source)
    return build_strategies(path, flags=flags)


def run(program: str, folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """In a process of its own, where alone its strategies are loaded."""
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
        done = run(f"import sabot; sabot.load_strategies({str(path)!r})", tmp_path)
        assert done.returncode == 1, done.stdout + done.stderr
        return done.stderr[done.stderr.rindex("Traceback") :]

    return loaded


# --- wrong use ---


def test_sources_that_are_refused(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"build-strategy: nowhere\.cc: no such file"):
        build_strategies("nowhere.cc")
    with pytest.raises(OptionError, match="build-strategy: there is no source"):
        build_strategies([])
    (tmp_path / "mine.cc").write_text("int main() {")
    with pytest.raises(OptionError, match=r"build-strategy: there is no compiler 'no-such-compiler'"):
        build_strategies(tmp_path / "mine.cc", compiler="no-such-compiler")
    with pytest.raises(BuildError, match=r"build-strategy: .*mine\.cc: the compiler refused it"):
        build_strategies(tmp_path / "mine.cc")
    with pytest.raises(BuildError, match="Strategies must not be compiled with -ffast-math"):
        build(tmp_path, SOURCE, *QUICKLY, "-ffast-math")
    assert [path.name for path in tmp_path.iterdir()] == ["mine.cc"]


def test_files_that_are_no_libraries(tmp_path: Path, load: Callable[[Path], str]) -> None:
    assert "FileNotFoundError" in load(tmp_path / "nowhere.so")
    text = tmp_path / "text.so"
    text.write_text("I am no library, and far too short for one of any kind.")
    assert re.search(r"OSError: .*text.so: it cannot be loaded: .*Build it by `sabot build-strategy`", load(text))
    found = load(build(tmp_path, "int answer() { return 42; }"))
    assert "OptionError" in found
    assert "it holds no strategies: it has no line SABOT_STRATEGIES(Strategy, ...)" in found


OTHER = """
extern "C" __attribute__((visibility("default"))) const char* sabot_strategies_build() { return "sabot 0.0.1"; }
extern "C" __attribute__((visibility("default"))) void sabot_strategies_list(void* strategies) { *(int*)nullptr = 1; }
"""


def test_a_library_of_another_build(tmp_path: Path, load: Callable[[Path], str]) -> None:
    found = load(build(tmp_path, OTHER))
    assert "it was built for another Sabot, or otherwise. Build it again, as by `sabot build-strategy`" in found
    assert "it:   sabot 0.0.1\n" in found
    assert re.search(r"here: sabot [\d.]+, arrow [\d.]+, libstdc\+\+ .*, without contraction, layout [\d ]+", found)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (('"buy_dips"', '"v1_baseline"'), "there is a strategy called 'v1_baseline' already. Choose another name."),
        (('"buy_dips"', '"buy dips"'), "a strategy is called 'buy dips'. A name begins with a letter"),
        ((".standard = 3.0", ".standard = 0.5"), "'buy_dips' has a parameter 'window' whose default is not what it"),
        (('"window", .kind', '"quote_size", .kind'), "'buy_dips' has a parameter 'quote_size' twice"),
    ],
)
def test_what_cannot_be(change: tuple[str, str], message: str, tmp_path: Path, load: Callable[[Path], str]) -> None:
    assert change[0] in SOURCE
    found = load(build(tmp_path, SOURCE.replace(*change), *QUICKLY))
    assert f"libmine.so: {message}" in found or f"libmine.so: the strategy {message}" in found
    assert "OptionError" in found


def test_the_environment_names_what_is_not_there(tmp_path: Path) -> None:
    done = run("import sabot; sabot.Stream", tmp_path, SABOT_STRATEGIES="nowhere.so")
    assert done.returncode == 1
    assert "load_strategies: nowhere.so: no such file" in done.stderr
    assert "named by the environment variable SABOT_STRATEGIES" in done.stderr


# --- values ---


def test_loaded_strategies_are_sabots_own(library: Path, tmp_path: Path) -> None:
    done = run(
        f"""
import sabot
from sabot.backtest import strategies
before = len(strategies())
(info,) = sabot.load_strategies({str(library)!r})
assert sabot.load_strategies({str(library)!r}) == [info]  # Again: nothing changes.
assert strategies()[before:] == [info], strategies()
assert info.parameters[-1].name == "window" and info.parameters[-1].allowed == "an integer from 1 to 1000000"
from sabot.backtest import MarketMakingBacktest
try:
    MarketMakingBacktest({{"DEFAULT": {{"window": 2.5}}}}, "buy_dips")
except sabot.errors.OptionError as error:
    print(error)
""",
        tmp_path,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "buy_dips config: 'DEFAULT': window is 2.5; expected an integer from 1 to 1000000." in done.stdout


TICKS = [  # The mid falls below its average of three.
    (0, "bid", 99.0, 50.0),
    (1, "ask", 101.0, 50.0),
    (2, "bid", 99.0, 40.0),
    (3, "bid", 98.0, 20.0),
    (4, "trade", 98.0, 25.0),
    (5, "trade", 97.5, 1.0),
]


def write_ticks(path: Path) -> None:
    seconds, types, prices, volumes = zip(*TICKS, strict=True)
    times = pa.array([second * 1_000_000_000 for second in seconds], pa.timestamp("ns"))
    table = {"timestamp": times, "type": list(types), "price": list(prices), "volume": list(volumes)}
    pq.write_table(pa.table(table), path)


def test_commands(library: Path, tmp_path: Path) -> None:
    write_ticks(tmp_path / "dip.parquet")
    (tmp_path / "small.json").write_text('{"DEFAULT": {"quote_size": 10}}')
    words = ["backtest", "--strategy", "buy_dips", "--data", "dip.parquet", "--config", "small.json", "-q"]
    assert "strategy 'buy_dips' is unknown" in command(words, tmp_path).stderr
    done = command([*words, "--strategies", str(library), "--output", "out"], tmp_path)
    assert done.returncode == 0, done.stderr
    rows = (tmp_path / "out" / "dip_trades_timeseries.csv").read_text().splitlines()
    assert [row.split(",")[1:4] for row in rows[1:]] == [["buy", "98", "5"], ["buy", "98", "5"]]
    named = command([*words, "--parallel", "--output", "named"], tmp_path, SABOT_STRATEGIES=f"{library}:")
    assert named.returncode == 0, named.stderr
    for path in (tmp_path / "out").iterdir():
        assert (tmp_path / "named" / path.name).read_bytes() == path.read_bytes()


def test_a_library_that_was_built_again(library: Path, tmp_path: Path) -> None:
    """A sweep goes on with the code that began it, and with no other."""
    write_ticks(tmp_path / "dip.parquet")
    words = ["sweep", "--strategy", "buy_dips", "--data", "dip.parquet", "--grid", "quote_size=5,10", "--output", "out"]
    own = tmp_path / "libmine.so"
    own.write_bytes(library.read_bytes())
    done = command([*words, "--strategies", str(own)], tmp_path)
    assert done.returncode == 0, done.stderr
    assert build(tmp_path, SOURCE) == own  # As it was: the same bytes.
    done = command([*words, "--strategies", str(own)], tmp_path)
    assert done.returncode == 0, done.stderr
    assert "2 simulations, 2 of an earlier run" in done.stderr
    assert build(tmp_path, SOURCE.replace("mid() < average", "mid() > average")) == own
    done = command([*words, "--strategies", str(own)], tmp_path)
    assert done.returncode == 2, done.stderr
    assert 'it was computed by other code of the strategy "buy_dips"' in done.stderr
    assert "forget what it holds with restart (--restart)" in done.stderr
    done = command([*words, "--strategies", str(own), "--restart"], tmp_path)
    assert done.returncode == 0, done.stderr


def test_build_command(tmp_path: Path) -> None:
    (tmp_path / "mine.cc").write_text(SOURCE)
    done = command(["build-strategy", "mine.cc", "-o", "other.so", "--flag=-O0"], tmp_path)
    assert (done.returncode, done.stdout.strip()) == (0, "other.so"), done.stderr
    (tmp_path / "mine.cc").write_text("nonsense")
    failed = command(["build-strategy", "mine.cc"], tmp_path)
    assert failed.returncode == 2
    assert "the compiler refused it" in failed.stderr


def test_it_links_arrow_and_nothing_of_sabot(library: Path) -> None:
    """Whoever loads it need not export anything, and there is one Arrow in the process."""
    dynamic = subprocess.run(["readelf", "-d", str(library)], capture_output=True, text=True, check=True).stdout
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)
    assert not any(name.startswith(("libsabot", "librocksdb", "libtbb", "libparquet")) for name in needed), needed
    symbols = subprocess.run(["nm", "-D", str(library)], capture_output=True, text=True, check=True).stdout
    assert not re.search(r" U .*sabot", symbols)
    exported = re.findall(r" [TDBVWu] (\w*sabot\w*)", symbols)
    assert sorted(exported) == ["sabot_strategies_build", "sabot_strategies_list"]
