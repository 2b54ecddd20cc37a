"""What users get wrong about a backtest, and that each is told with where, what and what to do: none is unforeseen."""

import json
import os
from pathlib import Path
from typing import Any

import pytest
from backtest_samples import Joins, ticks, write_folder
from sabot.cli.application import app
from sabot.errors import OptionError
from sabot.fintech import RollingStdKernel
from typer.testing import CliRunner

from sabot.backtest import MarketMakingBacktest, Strategy, load_strategy_config, paper_trading, run_parallel_backtest

MODULES = {
    "raises": "import math\nmath.sqrt(-1)\n",
    "unfinished": "class Mine(\n",
    "leaves": "import sys\nsys.exit('no')\n",
    "needs": "import a_module_that_is_nowhere\n",
    "fine": "import sabot.backtest\nfrom sabot.backtest import Strategy\nclass Skewed(Strategy):\n"
    "    def on_tick(self, moment, orders): pass\n\nclass Other: pass\n\nnumber = 5\n",
    "bare": "from sabot.backtest import Strategy\nclass Mine(Strategy):\n    size: float\n",
    "texts": "from sabot.backtest import Strategy\nclass Mine(Strategy):\n    size: float = 'big'\n",
    "unknown": "from sabot.backtest import Strategy\nclass Mine(Strategy):\n    size: 'Nowhere' = 1.0\n",
    "listed": "from sabot.backtest import Strategy\nclass Mine(Strategy):\n    sizes: list[float] = []\n",
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working directory, with tick files in `ticks` and modules with strategies."""
    write_folder(tmp_path / "ticks", ("AAA", "BBB"), rows=300)
    for name, text in MODULES.items():
        (tmp_path / f"wrong_{name}.py").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def told(*arguments: str) -> str:
    """What `sabot backtest` says of a mistake."""
    result = CliRunner().invoke(app, ["backtest", "--data", "ticks", *arguments], prog_name="sabot")
    assert result.exit_code == 2, f"{result.output}\n{result.exception!r}"
    assert "did not foresee" not in result.output
    assert "Traceback" not in result.output
    return " ".join(result.stderr.split())


# --- strategies ---

TEXTS = [
    ("", "the name is empty; expected one of sabot.backtest.strategies()"),
    (":", "':' is no module and class; expected text such as 'my_strategies:Skewed'"),
    ("a:", "'a:' is no module and class"),
    (":B", "':B' is no module and class"),
    (".fine:Mine", "'.fine:Mine' is no module and class"),
    ("./wrong_fine.py:", "names a file; expected a module as import has it: 'wrong_fine:Class'"),
    ("wrong_fine.py:Skewed", "names a file; expected a module as import has it: 'wrong_fine:Skewed'"),
    ("/tmp/x", "'/tmp/x' is a path; expected a name"),
    ("ticks/", "'ticks/' is a path; expected a name"),
    ("wrong_fine.py", "'wrong_fine.py' is a path; expected a name"),
    ("v1_basline", "Nearest names: 'v1_baseline'"),
    ("wrong_nowhere:Mine", "there is no module 'wrong_nowhere'. Run from the folder that it is in, or set PYTHONPATH"),
    ("wrong_fine:Skwed", "module 'wrong_fine' has no 'Skwed'. Nearest names: 'Skewed'."),
    ("wrong_fine:Skewed.Inner", "module 'wrong_fine' has no 'Skewed.Inner'. Nearest names: 'Skewed'."),
    ("wrong_fine:Nope", "module 'wrong_fine' has no 'Nope'. Strategies there: 'Skewed'."),
    ("wrong_raises:Mine", "cannot be imported: ValueError: math domain error (<module>, wrong_raises.py line 2)."),
    (
        "wrong_unfinished:Mine",
        "module 'wrong_unfinished' cannot be imported: '(' was never closed (wrong_unfinished.py",
    ),
    (
        "wrong_leaves:Mine",
        "module 'wrong_leaves' cannot be imported: SystemExit: no (<module>, wrong_leaves.py line 2).",
    ),
    ("wrong_needs:Mine", "cannot be imported: ModuleNotFoundError: No module named 'a_module_that_is_nowhere'"),
]
KINDS = [
    ("wrong_fine:Other", "Other is not derived from sabot.backtest.Strategy"),
    ("wrong_fine:number", "found 5"),
    ("wrong_bare:Mine", "parameter 'size' has no default. Give it one"),
    ("wrong_texts:Mine", "the default of parameter 'size' must be a float, found 'big'"),
    ("wrong_unknown:Mine", "Mine: an annotation cannot be read: NameError: name 'Nowhere' is not defined."),
    ("wrong_listed:Mine", "parameter 'sizes' must be a float, int, bool, str or Literal"),
]


@pytest.mark.parametrize(("text", "message"), TEXTS)
def test_texts_that_name_no_strategy(text: str, message: str, folder: Path) -> None:
    for run in (
        lambda: MarketMakingBacktest({}, text),
        lambda: run_parallel_backtest("ticks", text),
        lambda: paper_trading(text),
    ):
        with pytest.raises(OptionError) as raised:
            run()
        assert message in str(raised.value)
    assert message in told(f"--strategy={text}")
    assert message in told(f"--strategy={text}", "--parallel")


@pytest.mark.parametrize(("text", "message"), KINDS)
def test_what_is_no_strategy(text: str, message: str, folder: Path) -> None:
    for run in (lambda: MarketMakingBacktest({}, text), lambda: run_parallel_backtest("ticks", text)):
        with pytest.raises(TypeError) as raised:
            run()
        assert message in str(raised.value)
    assert f"--strategy {text}: " in told("--strategy", text)
    assert message in told("--strategy", text, "--parallel")


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ([RollingStdKernel(column="mid", window=3)], "must return a dict of kernels by their names"),
        (None, "must return a dict of kernels by their names, such as {'vol': "),
        ({"vol": 5}, "'vol' must be a kernel of sabot.fintech"),
        ({5: RollingStdKernel(column="mid", window=3)}, "5 cannot be the name of a feature"),
        ({"bid": RollingStdKernel(column="mid", window=3)}, "'bid' cannot be the name of a feature"),
    ],
)
def test_features_that_are_none(features: Any, message: str, folder: Path) -> None:
    class Mine(Strategy):
        def features(self) -> Any:
            return features

        def on_tick(self, moment: Any, orders: Any) -> None:
            pass

    with pytest.raises(TypeError, match=r"Mine\.features") as raised:
        MarketMakingBacktest({}, Mine).run_ticks(ticks(1, 10))
    assert message in str(raised.value)
    assert message in MarketMakingBacktest({}, Mine).run_streaming("ticks").errors["AAA"]


def of_a_generator(*_: Any) -> Any:
    yield 5


async def of_a_coroutine(*_: Any) -> None:
    pass


@pytest.mark.filterwarnings("ignore:coroutine .* was never awaited")
@pytest.mark.parametrize("method", ["on_tick", "on_fill", "on_date"])
@pytest.mark.parametrize("odd", [lambda *_: ["buy"], of_a_generator, of_a_coroutine], ids=["list", "yield", "async"])
def test_methods_that_return_something(method: str, odd: Any, folder: Path) -> None:
    mine = type("Mine", (Joins,), {method: odd})
    with pytest.raises(TypeError, match=rf"{method} returned (\['buy'\]|<generator|<coroutine).*; expected None\. "):
        MarketMakingBacktest({}, mine, market="adx").run_ticks(ticks(1))
    assert f"TypeError: {method} returned" in MarketMakingBacktest({}, mine).run_streaming("ticks").errors["AAA"]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda moment, orders: orders.buy("10", 1),
            "orders: price must be a number, or None of a market order, found",
        ),
        (lambda moment, orders: orders.sell(10, "1"), "orders: size must be a number, found '1'."),
        (lambda moment, orders: orders.sell(10, None), "orders: size must be a number, found None."),
        (lambda moment, orders: orders.buy(10, 1, type=3), "orders: type must be text, such as 'post_only', found 3."),
        (lambda moment, orders: orders.buy(10, 1, replaces="x"), "orders: replaces must be the number of an order, or"),
        (
            lambda moment, orders: orders.cancel("x"),
            "orders: order must be the number of an order, or None, found 'x'.",
        ),
        (lambda moment, orders: orders.find(1.5), "orders: order must be the number of an order, or None, found 1.5."),
        (lambda moment, orders: orders.resize(None, 1), "orders: order must be the number of an order, found None."),
        (lambda moment, orders: orders.resize(1, "x"), "orders: size must be a number, found 'x'."),
    ],
)
def test_arguments_of_orders_of_another_type(call: Any, message: str) -> None:
    class Mine(Strategy):
        def on_tick(self, moment: Any, orders: Any) -> None:
            call(moment, orders)

    with pytest.raises(TypeError) as raised:
        MarketMakingBacktest({}, Mine).run_ticks(ticks(1, 10))
    assert message in str(raised.value)


def test_what_a_strategy_sees_is_read_only() -> None:
    seen = []

    class Mine(Strategy):
        def on_tick(self, moment: Any, orders: Any) -> None:
            orders.buy(moment.price, 1)
            for each in (moment, *orders.open):
                for name in ("position", "other"):
                    with pytest.raises(AttributeError) as raised:
                        setattr(each, name, 3)
                    seen.append(str(raised.value))

        def on_fill(self, fill: Any) -> None:
            with pytest.raises(AttributeError, match="Fill is read-only: 'price' cannot be set"):
                fill.price = 3
            seen.append("filled")

    MarketMakingBacktest({}, Mine).run_ticks(ticks(1, 100))
    assert "Moment is read-only: 'position' cannot be set. Keep values on the strategy itself." in seen
    assert "Moment is read-only: 'other' cannot be set. Keep values on the strategy itself." in seen
    assert "Order is read-only: 'other' cannot be set. Keep values on the strategy itself." in seen
    assert "filled" in seen


def test_ticks_that_are_no_table() -> None:
    for given in (None, 5):
        with pytest.raises(TypeError, match=r"expected Arrow data .* found (NoneType|int)\."):
            MarketMakingBacktest({}).run_ticks(given)  # type: ignore[arg-type]


def test_the_number_of_an_order_may_be_returned() -> None:
    class Mine(Strategy):
        def on_tick(self, moment: Any, orders: Any) -> Any:
            return orders.buy(moment.price, 1) if moment.position == 0 else None

    assert MarketMakingBacktest({}, Mine).run_ticks(ticks(1)).trades["TICKS"].num_rows > 0


# --- configurations ---

FILES = [
    (b'{"AAA": {"quote_size": \xff}}', "byte 23 is not UTF-8; expected JSON, which is. Save the file as UTF-8."),
    (b"", "empty"),
    (b"[1, 2]", "expected a"),
    (b"5", "expected a"),
    (b'{"AAA": {"quote_size": NaN}}', ""),
    (b'{"AAA": {"quote_size": Infinity}}', ""),
    (b'{"AAA": {"quote_size": 1e999}}', ""),
    (b'{"AAA": {"quote_size": 1' + 30 * b"0" + b".5e999}}", ""),
    (b'{"AAA": {"quote_size": ' + 5_000 * b"9" + b"}}", ""),
    (b'{"AAA": {"quote_size": 1, "quote_size": 2}}', "quote_size"),
    (b"[" * 100_000, ""),
    (b'{"AAA": ', "line 1"),
]


@pytest.mark.parametrize(("content", "message"), FILES, ids=range(len(FILES)))
def test_files_that_are_no_configuration(content: bytes, message: str, folder: Path) -> None:
    path = folder / "wrong.json"
    path.write_bytes(content)
    for run in (
        lambda: load_strategy_config(path, "v1_baseline"),
        lambda: MarketMakingBacktest(path),
        lambda: run_parallel_backtest("ticks", "v1_baseline", path),
    ):
        with pytest.raises(OptionError) as raised:
            run()
        assert str(raised.value).startswith(f"{path}: ")
        assert message in str(raised.value)
    text = told("--strategy", "v1_baseline", "--config", "wrong.json")
    assert text.startswith("sabot: wrong.json: ")
    assert message in text


def test_files_of_other_editors_are_read(folder: Path) -> None:
    path = folder / "config.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps({"AAA": {"quote_size": 10}}).encode())
    assert load_strategy_config(path, "v1_baseline") == {"AAA": {"quote_size": 10}}
    assert MarketMakingBacktest(path).run_streaming("ticks").failed is False
    result = CliRunner().invoke(
        app, ["backtest", "--strategy", "v1_baseline", "--data", "ticks", "--config", "config.json"]
    )
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize("number", [10**30, 10**400, 10**5_000, float("inf"), float("nan"), 1e30], ids=range(6))
def test_numbers_that_no_order_has(number: float, folder: Path) -> None:
    class Mine(Joins):
        count: int = 1

    with pytest.raises(OptionError):
        MarketMakingBacktest({"AAA": {"count": number}}, Mine)


@pytest.mark.parametrize("value", [object(), {1, 2}, b"1"])
def test_values_that_json_has_not(value: Any) -> None:
    with pytest.raises(OptionError, match="config: it cannot be written as JSON"):
        MarketMakingBacktest({"AAA": {"quote_size": value}})


# --- places ---


def test_outputs_that_cannot_be(folder: Path) -> None:
    (folder / "taken").write_text("mine")
    for output in ("taken", "taken/below"):
        assert "taken" in told("--strategy", "v1_baseline", "--output", output)
        with pytest.raises(OSError, match="taken"):
            run_parallel_backtest("ticks", "v1_baseline", output_dir=output)
    assert (folder / "taken").read_text() == "mine"
    (folder / "no.csv").write_text("Dates,Type,Price,Size\n")
    assert "taken" in told("--strategy", "v1_baseline", "--data", "no.csv", "--ticks", "taken")
    for path in ("nowhere", "nowhere/ticks.xlsx", "nowhere/ticks.parquet"):
        assert "nowhere" in told("--strategy", "v1_baseline", "--data", path)
    assert "taken" in told("--strategy", "v1_baseline", "--config", "taken/config.json")
    assert "ticks" in told("--strategy", "v1_baseline", "--config", "ticks")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_nobody_may_write_into(folder: Path) -> None:
    (folder / "closed").mkdir(mode=0o500)
    assert "closed" in told("--strategy", "v1_baseline", "--output", "closed/out")


# --- what a strategy is given ---


def test_attributes_that_are_mistyped_and_what_is_shown() -> None:
    seen: dict[str, Any] = {}

    class Mine(Strategy):
        def features(self) -> Any:
            return {"vol": RollingStdKernel(column="mid", window=3)}

        def on_fill(self, fill: Any) -> None:
            self.look(fill, "quantty", "quantity")

        def on_tick(self, moment: Any, orders: Any) -> None:
            self.look(moment, "bidd", "bid")
            self.look(moment, "vool", "vol")
            self.look(moment, "positon", "position")
            self.look(moment, "timestmp", "timestamp")
            self.look(orders, "by", "buy")
            if not orders.open and moment.position == 0:
                orders.buy(moment.price, 1)
            for order in orders.open:
                self.look(order, "remainin", "remaining")

        def look(self, thing: Any, wrong: str, near: str) -> None:
            kind = type(thing).__name__
            with pytest.raises(AttributeError, match=rf"^{kind} has no '{wrong}'\. Nearest names: '{near}'"):
                getattr(thing, wrong)
            assert getattr(thing, "nothing_like_it", None) is None
            seen.setdefault(kind, []).append((repr(thing), self.public(thing)))

        def public(self, thing: Any) -> dict[str, Any]:
            names = [name for name in dir(thing) if not name.startswith("_")]
            return {name: getattr(thing, name) for name in names if not callable(getattr(thing, name))}

    MarketMakingBacktest({}, Mine).run_ticks(ticks(1, 600))
    for kind in ("Moment", "Order", "Fill"):
        assert seen[kind], kind
        for text, attributes in seen[kind]:
            shown = eval(text, {kind: dict})
            vol = shown.pop("vol", None)
            assert vol is None or vol >= 0
            assert shown == attributes
