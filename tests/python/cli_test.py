"""The command line: every mistake ends in one message and an exit code, then what the commands do."""

import inspect
import io
import json
import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sabot.backtest.workbooks import generate_tick_workbook
from sabot.cli import errors, progress, report
from sabot.cli.application import app
from sabot.stream import Progress, Stream
from typer.testing import CliRunner, Result

import sabot
from sabot import fintech, formats

SOURCE = "source: {generator: ticks, rows: 1000, symbols: 5}\n"


def call(*arguments: object, code: int = 0) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="sabot")
    assert result.exit_code == code, f"{result.output}\n{result.exception!r}"
    return result


def process(arguments: list[str], directory: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "sabot", *arguments],
        cwd=directory,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with a file of ticks."""
    Stream.from_generator(rows=1_000, symbols=5).to_parquet(tmp_path / "ticks.parquet")
    monkeypatch.chdir(tmp_path)
    return tmp_path


# --- wrong use ---


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["runn", "a.yaml"], "No such command 'runn'. Did you mean 'run'?"),
        (["run"], "Missing argument 'PIPELINE'"),
        (["run", "a.yaml", "--explan"], "--explan"),
        (["head", "a.parquet", "-n", "x"], "Invalid value for '-n'"),
        (["head", "a.parquet", "-n", "-1"], "Invalid value for '-n'"),
        (["convert", "a.csv", "b.parquet", "--types", "price"], "expected COLUMN=TYPE, found 'price'."),
    ],
)
def test_arguments_that_are_wrong(arguments: list[str], message: str) -> None:
    result = call(*arguments, code=2)
    assert message in " ".join(result.stderr.split())
    assert "Traceback" not in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "none.yaml"], "sabot: none.yaml: no such file.\n"),
        (
            ["kernels", "ewmaa"],
            "sabot: unknown kernel 'ewmaa'. Did you mean 'ewma' or 'ema'? `sabot kernels` lists all.",
        ),
        (["head", "ticks.dat"], "sabot: ticks.dat: the name does not say which format the file has. Let it end in one"),
        (
            ["head", "ticks.dat", "--from", "parqet"],
            "sabot: unknown format 'parqet', expected parquet or csv or ipc. Did",
        ),
        (["schema", "none.parquet"], "none.parquet"),
        (["diff", "none.parquet", "none.parquet"], "none.parquet"),
        (["diff", "ticks.parquet", "ticks.parquet", "--by", "symbl"], "Nearest names: 'symbol'"),
        (["diff", "ticks.parquet", "ticks.parquet", "--bits", "all"], "bits must be 'values' or 'exact', found 'all'"),
        (["head", "ticks.parquet", "--columns", "prize"], "'prize' is missing. Nearest names: 'price'"),
        (["generate", "out.txt"], "sabot: out.txt: the name does not say"),
        (
            ["convert", "ticks.parquet", "ticks.parquet"],
            "sabot: ticks.parquet is the file that is read. Write to another",
        ),
        (
            ["convert", "ticks.parquet", "a.csv", "--types", "a=b"],
            "sabot: --types and --delimiter are for CSV, and ticks.",
        ),
    ],
)
@pytest.mark.usefixtures("folder")
def test_one_message_and_no_traceback(arguments: list[str], message: str) -> None:
    result = call(*arguments, code=2)
    assert message in result.stderr
    assert result.stderr.startswith("sabot: ")
    assert result.stdout == ""
    assert "Traceback" not in result.stderr


def test_a_pipeline_with_mistakes(folder: Path) -> None:
    (folder / "bad.yaml").write_text(SOURCE + "steps:\n- fliter: price > 0\n- {kernel: ewmaa}\n")
    result = call("run", "bad.yaml", code=2)
    assert result.stderr.startswith(
        "sabot: bad.yaml: 2 problems.\nbad.yaml:3:3: steps[0]: 'fliter' is not known as a step"
    )
    assert "bad.yaml:4:12: steps[1].kernel: unknown kernel 'ewmaa'." in result.stderr


def test_a_pipeline_without_a_sink(folder: Path) -> None:
    (folder / "a.yaml").write_text(SOURCE)
    result = call("run", "a.yaml", code=2)
    assert result.stderr.startswith("sabot: a.yaml: there is no sink to run into. Add one, such as sink: ")
    assert call("run", "a.yaml", "--explain").stdout.startswith("pipeline a\n")


def test_what_is_no_pipeline(folder: Path) -> None:
    (folder / "features.yaml").write_text(SOURCE)
    assert "feature.yaml: no such file. Nearest names: 'features.yaml'." in call("run", "feature.yaml", code=2).stderr
    (folder / "data.yaml").write_bytes(b"PAR1\0\x88")
    assert call("run", "data.yaml", code=2).stderr == (
        "sabot: data.yaml:1:1: this is no text. A pipeline is YAML; `sabot head` shows files of data.\n"
    )


def test_compressed_files(folder: Path) -> None:
    result = call("generate", "ticks.csv.gz", code=2)
    assert result.stderr.startswith("sabot: ticks.csv.gz: compressed files are neither read nor written.")
    assert not (folder / "ticks.csv.gz").exists()


def test_a_traceback_is_shown_when_asked_for(folder: Path) -> None:
    assert "Traceback (most recent call last)" in call("--traceback", "head", "none.parquet", code=2).stderr
    assert "Traceback" not in process(["head", "none.parquet"], folder, SABOT_DEBUG="").stderr
    done = process(["head", "none.parquet"], folder, SABOT_DEBUG="1")
    assert done.returncode == 2
    assert "Traceback (most recent call last)" in done.stderr
    assert "sabot: " in done.stderr.splitlines()[-1]


def test_an_error_that_was_not_foreseen() -> None:
    def command() -> None:
        raise ZeroDivisionError("division by zero")

    with pytest.raises(errors.typer.Exit) as caught:
        errors.guarded(command)()
    assert caught.value.exit_code == 2


# --- Ctrl-C and pipes ---


@pytest.mark.parametrize(
    ("there_before", "message"),
    [
        (False, "sabot: interrupted. out.parquet was not written: a file takes its name when it is complete.\n"),
        (True, "sabot: interrupted. out.parquet is the file from before the run.\n"),
    ],
)
def test_ctrl_c_says_what_is_kept(
    there_before: bool, message: str, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    if there_before:
        (folder / "out.parquet").touch()
    monkeypatch.setattr(formats, "write_stream", write)
    assert call("generate", "out.parquet", "-q", code=130).stderr == message


def interrupted_in(out: Path, *, whole: bool) -> None:
    out.mkdir(exist_ok=True)
    if whole:
        (out / "part-00000.parquet").touch()
    (out / ".part-00001.parquet.7-1.partial").touch()
    raise KeyboardInterrupt


def test_ctrl_c_with_several_files(tmp_path: Path) -> None:
    out = tmp_path / "out"
    nothing = r"^Nothing was written: no file was complete\.$"
    for message in (nothing, r"^The files that were complete are kept in .*/out\.$", nothing):
        with (
            pytest.raises(errors.InterruptedRunError, match=message),
            errors.kept_if_interrupted(out, several=True),
        ):
            interrupted_in(out, whole=message != nothing)


def test_sigterm_ends_as_ctrl_c_does(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def write(*_: object, **__: object) -> None:
        try:
            os.kill(os.getpid(), signal.SIGTERM)
        finally:
            os.kill(os.getpid(), signal.SIGTERM)  # Another one, while it cleans up.
            cleaned.append(True)

    cleaned: list[bool] = []
    before = signal.getsignal(signal.SIGTERM)
    monkeypatch.setattr(formats, "write_stream", write)
    told = "out.parquet was not written: a file takes its name when it is complete."
    assert call("generate", "out.parquet", "-q", code=143).stderr == f"sabot: ended by SIGTERM. {told}\n"
    assert cleaned == [True]
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize("foreign", [False, True])
def test_a_sigterm_that_is_ignored_or_foreign_is_left_alone(foreign: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if foreign:  # As Python tells of a handler that it did not set.
        monkeypatch.setattr(signal, "getsignal", lambda _number: None)
        monkeypatch.setattr(signal, "signal", lambda *_: pytest.fail("a handler was set"))
    try:
        errors.guarded(lambda: os.kill(os.getpid(), signal.SIGTERM))()
        monkeypatch.undo()
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN
    finally:
        monkeypatch.undo()
        signal.signal(signal.SIGTERM, before)


def test_a_closed_pipe_ends_in_silence(folder: Path) -> None:
    command = f"{sys.executable} -m sabot head ticks.parquet -n 1000 | head -n 1; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.stderr == ""
    header, code = done.stdout.splitlines()
    assert header.split()[:2] == ["symbol", "timestamp"]
    assert code == "0"


# --- help ---


def test_help_needs_neither_the_engine_nor_pyarrow(tmp_path: Path) -> None:
    for arguments in (["--help"], ["run", "--help"], ["--version"]):
        done = subprocess.run(
            [sys.executable, "-X", "importtime", "-m", "sabot", *arguments], capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0
        imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
        assert "sabot.cli" in imported
        assert not imported & {"pyarrow", "sabot._native", "numpy", "pandas", "yaml"}


def test_a_pipeline_is_checked_without_the_engine(tmp_path: Path) -> None:
    """What a run needs is imported on the way, and no more than that."""
    program = "import sys, sabot.cli.application; assert 'pyarrow' not in sys.modules; assert 'yaml' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", program], timeout=120, check=False).returncode == 0


def test_every_command_has_examples_that_name_it() -> None:
    help_of_all = call("--help").stdout
    assert "Exit codes:" in help_of_all
    for command in ("run", "kernels", "generate", "convert", "head", "diff", "verify", "schema", "report"):
        assert f" {command} " in help_of_all
        page = call(command, "--help").stdout
        assert f"sabot {command}" in page.partition("Examples:")[2], command


def test_version() -> None:
    assert call("--version").stdout == f"sabot {sabot.__version__}\n"


def test_the_shell_is_told_of_commands_and_kernels(tmp_path: Path) -> None:
    for words, expected in (("sabot ker", "kernels"), ("sabot kernels ewm", "ewma")):
        done = process(
            [], tmp_path, _SABOT_COMPLETE="complete_bash", COMP_WORDS=words, COMP_CWORD=str(len(words.split()) - 1)
        )
        assert done.stdout.split() == [expected], done


# --- commands that look ---


def test_kernels() -> None:
    listed = call("kernels").stdout
    for info in fintech.kernels():
        assert f"  {info.name} " in listed
        assert info.summary in listed
    page = call("kernels", "ewma").stdout
    assert page.startswith("ewma(data, *, by='symbol', column=None, columns=None, outputs=None, alpha=None, ")
    assert inspect.getdoc(fintech.ewma) == page.partition("\n\n")[2].rstrip()


def test_head(folder: Path) -> None:
    lines = call("head", "ticks.parquet").stdout.splitlines()
    assert len(lines) == 11
    ticks = pq.read_table("ticks.parquet")
    assert lines[0].split() == ticks.schema.names
    assert lines[1].split()[0] == ticks["symbol"][0].as_py()
    assert call("head", "ticks.parquet", "-n", "2", "--columns", "price, symbol").stdout.splitlines() == [
        "symbol   price",
        *(f"{ticks['symbol'][row].as_py():<6}  {ticks['price'][row].as_py()}" for row in range(2)),
    ]
    assert len(call("head", "ticks.parquet", "-n", "0").stdout.splitlines()) == 1
    assert len(call("head", "ticks.parquet", "-n", "5000").stdout.splitlines()) == 1001


def test_tables_as_text() -> None:
    table = pa.table(
        {
            "name": ["a", None, "two\nlines"],
            "x": [1.5, None, float("nan")],
            "list": [[1], None, []],
            "time": pa.array([1, None, 1_700_000_000_123_456_789], pa.timestamp("ns")),
            "word": pa.array(["x", None, "y"]).dictionary_encode(),
        }
    )
    assert report.table_text(table) == [
        "name           x  list  time                           word",
        "a            1.5  [1]   1970-01-01 00:00:00.000000001  x",
        "null        null  null  null                           null",
        "two\\nlines   nan  []    2023-11-14 22:13:20.123456789  y",
    ]


def test_schema(folder: Path) -> None:
    lines = call("schema", "ticks.parquet").stdout.splitlines()
    fields = Stream.from_parquet("ticks.parquet").schema
    assert [line.split(maxsplit=1) for line in lines] == [[field.name, str(field.type)] for field in fields]
    assert json.loads(call("schema").stdout) == sabot.pipeline.schema()


def test_diff(folder: Path) -> None:
    equal = call("diff", "ticks.parquet", "ticks.parquet")
    assert equal.stdout == "A: ticks.parquet\nB: ticks.parquet\nEqual: 1,000 rows, 10 columns.\n"
    ticks = pq.read_table("ticks.parquet")
    pq.write_table(ticks.slice(0, 999), "less.parquet")
    less = call("diff", "ticks.parquet", "less.parquet", code=1)
    assert "Rows: 1,000 in A, 999 in B: 1 more at the end of A." in less.stdout
    assert call("diff", "ticks.parquet", "less.parquet", "-q", code=1).output == ""


# --- commands that write ---


def test_run(folder: Path) -> None:
    (folder / "features.yaml").write_text(
        "source: {parquet: ticks.parquet}\nsteps:\n- {kernel: ewma, alpha: 0.1}\nsink: {parquet: out.parquet}\n"
    )
    explained = call("run", "features.yaml", "--explain").stdout
    assert explained.startswith("pipeline features\n")
    assert "ewma" in explained
    assert not (folder / "out.parquet").exists()
    result = call("run", "features.yaml")
    assert result.stdout == ""
    assert result.stderr.startswith("features: 1,000 rows read, 1,000 written, 0 rejected in ")
    assert result.stderr.endswith(" rows/s): out.parquet\n")
    expected = Stream.from_parquet("ticks.parquet").kernel("ewma", alpha=0.1)
    assert sabot.diff("out.parquet", expected).equal
    assert (
        call("run", "features.yaml", "-q", "--set", "steps[0].alpha=0.5", "--set", "sink.parquet=b.parquet").output
        == ""
    )
    assert not sabot.diff("out.parquet", "b.parquet").equal


def test_run_with_rejected_rows(folder: Path) -> None:
    (folder / "a.yaml").write_text(SOURCE + "steps:\n- require: price > 200\nsink: {parquet: out.parquet}\n")
    result = call("run", "a.yaml")
    assert "0 rejected" not in result.stderr
    assert result.stderr.endswith("\n--rejects FILE keeps rejected rows.\n")
    kept = call("run", "a.yaml", "--rejects", "bad.csv")
    assert kept.stderr.endswith("\nThe rejected rows are in bad.csv.\n")
    assert (folder / "bad.csv").exists()
    assert call("run", "a.yaml", "--strict", code=2).stderr.startswith("sabot: ")


def test_generate_is_the_generator(folder: Path) -> None:
    call("generate", "made.parquet", "--rows", "500", "--symbols", "3", "--seed", "9", "--kind", "trades", "-q")
    expected = Stream.from_generator(rows=500, symbols=3, seed=9, kind="trades")
    assert sabot.diff("made.parquet", expected).equal
    assert "kind" in call("generate", "made.parquet", "--kind", "trade", code=2).stderr


def test_generate_writes_a_tick_workbook(folder: Path) -> None:
    result = call("generate", "ticks.xlsx", "--rows", "500", "--symbols", "3", "--seed", "9")
    assert re.fullmatch(r"generate: 3 sheets of 166 rows in [\d.]+ s: ticks\.xlsx\n", result.stderr)
    generate_tick_workbook("expected.xlsx", securities=3, ticks=166, seed=9)
    assert Path("ticks.xlsx").read_bytes() == Path("expected.xlsx").read_bytes()
    message = call("generate", "other.xlsx", "--kind", "trades", "--late", "0.1", code=2).stderr
    assert message == "sabot: generate: a tick workbook has --rows, --symbols and --seed only, found --kind, --late.\n"
    assert "--symbols must be 1 to --rows" in call("generate", "other.xlsx", "--rows", "9", code=2).stderr
    assert not Path("other.xlsx").exists()


@pytest.mark.parametrize("other", ["ticks.csv", "ticks.tsv", "ticks.arrow"])
def test_convert_there_and_back(other: str, folder: Path) -> None:
    assert " 1,000 written" in call("convert", "ticks.parquet", other).stderr
    types = ["symbol=string", "timestamp=timestamp[ns]", "local_timestamp=timestamp[ns]"]
    types += [f"{name}=float64" for name in ("price", "volume", "side", "bid", "ask", "bid_size", "ask_size")]
    given = [] if other.endswith("arrow") else [word for entry in types for word in ("--types", entry)]
    call("convert", other, "back.parquet", "-q", *given)
    assert sabot.diff("ticks.parquet", "back.parquet").equal


def test_convert_leaves_out_bad_rows_and_says_so(folder: Path) -> None:
    (folder / "a.csv").write_text("symbol,price\nA,1.5\nB,cheap\nC,2.5\n")
    types = ["--types", "price=float64"]
    told = call("convert", "a.csv", "a.parquet", *types).stderr
    assert "2 written, 1 rejected" in told
    assert "--rejects FILE" in told
    assert pq.read_table("a.parquet")["symbol"].to_pylist() == ["A", "C"]
    call("convert", "a.csv", "a.parquet", *types, "--rejects", "bad.csv", "-q")
    assert "cheap" in (folder / "bad.csv").read_text()
    assert "cheap" in call("convert", "a.csv", "a.parquet", *types, "--strict", code=2).stderr


def test_convert_with_rows_and_columns_chosen(folder: Path) -> None:
    call(
        "convert",
        "ticks.parquet",
        "some.dat",
        "--to",
        "csv",
        "--where",
        "price > 100",
        "--columns",
        "symbol,price",
        "-q",
    )
    ticks = pq.read_table("ticks.parquet", columns=["symbol", "price"]).to_pylist()
    lines = (folder / "some.dat").read_text().replace('"', "").splitlines()
    assert lines[0] == "symbol,price"
    assert len(lines) - 1 == sum(row["price"] > 100 for row in ticks)
    assert call("head", "some.dat", "--from", "csv", "-n", "1").stdout.splitlines()[0].split() == ["symbol", "price"]


# --- progress and summary ---


def state(rows: int, fraction: float | None, rejected: int = 0) -> Any:
    return Progress(rows, rows, rejected, fraction)


def test_lines_come_every_few_seconds() -> None:
    out, now = io.StringIO(), [100.0]
    show = progress.ProgressLines("features", out, clock=lambda: now[0])
    for seconds, fraction in ((1.0, 0.01), (5.0, 0.25), (6.0, 0.3), (9.9, 0.4), (10.0, 0.5), (15.0, None)):
        now[0] = 100.0 + seconds
        show(state(int(seconds * 1000), fraction, rejected=2 if seconds == 10 else 0))
    assert out.getvalue().splitlines() == [
        "features: 25%, 5,000 rows, 1,000 rows/s, 15 s left",
        "features: 50%, 10,000 rows, 2 rejected, 1,000 rows/s, 10 s left",
        "features: 15,000 rows, 1,000 rows/s",
    ]


def test_quiet_shows_nothing() -> None:
    with progress.showing_progress("x", quiet=True) as show:
        assert show is None


def test_a_bar_on_a_terminal() -> None:
    """The bar is drawn there, and gone when the run ends."""
    program = (
        "from sabot.stream import Progress as S\n"
        "from sabot.cli.progress import showing_progress\n"
        "with showing_progress('features', quiet=False) as show:\n"
        "    for part in (0.0, 0.25, 1.0):\n"
        "        show(S(rows_read=int(part * 1e6), rows_written=0, rows_rejected=0, fraction=part))\n"
        "    show(S(rows_read=5, rows_written=0, rows_rejected=0, fraction=None))\n"
    )
    try:
        main, side = pty.openpty()
    except OSError as error:
        pytest.skip(f"this system has no pseudo-terminals: {error}")
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "120"}
    child = subprocess.Popen([sys.executable, "-c", program], stderr=side, stdout=subprocess.PIPE, env=environment)
    os.close(side)
    shown = b""
    while True:
        try:
            part = os.read(main, 4096)
        except OSError:  # The other end is closed.
            break
        if not part:
            break
        shown += part
    os.close(main)
    out, _ = child.communicate(timeout=120)
    assert child.returncode == 0
    assert out == b"", "stdout is for data"
    text = shown.decode()
    assert "25%" in text
    assert "250,000 rows" in text
    assert "\x1b[2K" in text.rpartition("5 rows")[2], "the bar is erased at the end"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0.00 s"), (9.994, "9.99 s"), (12.3, "12 s"), (185.0, "3 min 5 s"), (7_260.0, "2 h 1 min")],
)
def test_seconds(seconds: float, text: str) -> None:
    assert progress.seconds_text(seconds) == text


def test_the_summary() -> None:
    done = SimpleNamespace(rows_read=1_000, rows_written=990, rows_rejected=10, seconds=0.5)
    assert report.summary_text("features", done, "out.parquet") == (
        "features: 1,000 rows read, 990 written, 10 rejected in 0.50 s (2,000 rows/s): out.parquet\n"
        "--rejects FILE keeps rejected rows."
    )
    assert report.summary_text("features", done, "o", "bad.csv").endswith("The rejected rows are in bad.csv.")
    none = SimpleNamespace(rows_read=1, rows_written=1, rows_rejected=0, seconds=0.0)
    assert report.summary_text("a", none, "b") == "a: 1 row read, 1 written, 0 rejected in 0.00 s: b"


def test_the_summary_has_the_quality_of_the_data(capsys: pytest.CaptureFixture[str]) -> None:
    quality = pa.table({"symbol": [f"S{number:02}" for number in range(25)], "rows": list(range(25))})
    done = SimpleNamespace(rows_read=1, rows_written=1, rows_rejected=0, seconds=0.0, quality=quality)
    report.tell_summary("a", done, "b")
    lines = capsys.readouterr().err.splitlines()
    assert lines[1:4] == ["Data quality:", "  symbol  rows", "  S00        0"]
    assert lines[-1] == "  and 5 more"
    assert len(lines) == 24
