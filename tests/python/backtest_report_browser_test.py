"""The report of a backtest in a browser: charts are drawn, tables sort, keys work, nothing is loaded or reported."""

import itertools
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from backtest_folders import ERROR, SUMMARY, write_backtest, write_sweep
from sabot.backtest.activity import COLUMNS
from sabot.backtest.report import write_report

playwright = pytest.importorskip("playwright.sync_api", reason="playwright drives the browser: tools/setup.sh test")


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if program is None:
        pytest.skip("no browser: apt-get install chromium")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_report(write_sweep(write_backtest(tmp_path_factory.mktemp("report") / "monday")))


@pytest.fixture
def opened(browser: Any) -> Iterator[Any]:
    """Opens a page of so many pixels, and ends with nothing having been reported or loaded."""
    found: list[str] = []
    contexts = []

    def open_page(path: Path, width: int = 1280, fragment: str = "", **options: Any) -> Any:
        context = browser.new_context(viewport={"width": width, "height": 900}, **options)
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: found.append(message.text))
        page.on("pageerror", lambda error: found.append(str(error)))
        page.on(
            "request", lambda request: None if request.url.startswith(("file:", "data:")) else found.append(request.url)
        )
        page.goto(path.as_uri() + fragment)
        page.wait_for_selector("footer")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert found == []


def drawn(page: Any, selector: str) -> list[int]:
    """How many commands each path has."""
    return page.eval_on_selector_all(
        selector, "paths => paths.map(path => path.getAttribute('d').match(/[MLHV]/g).length)"
    )


def names(page: Any) -> list[str]:
    return page.locator(".securities .pick").all_inner_texts()


def test_charts_are_drawn(opened: Any, report: Path) -> None:
    page = opened(report)
    page.wait_for_selector(".overview .line.equity")
    assert drawn(page, ".overview .line.equity") == [5]
    assert drawn(page, ".overview .line.drawdown") == [5]
    assert page.locator(".overview rect.bar").count() == 2
    assert drawn(page, "#security .line.equity") == [5]
    # Flat before the first fill; every fill a step of two commands, and one to the last sample.
    assert drawn(page, "#security .line.position") == [1 + 2 * 4 + 2]
    assert page.locator("#security .marks .buy").count() == 2
    assert page.locator("#security .marks .forced").count() == 1
    for text in ("No of", "NaN", "undefined", "Infinity", "[object"):
        assert text not in page.inner_text("body")
    box = page.locator(".overview .line.equity").first.bounding_box()
    assert box["width"] > 300
    assert box["height"] > 100


def test_headline_and_failures(opened: Any, report: Path) -> None:
    page = opened(report)
    figures = dict(
        zip(
            page.locator(".figure dt").all_inner_texts(), page.locator(".figure dt + dd").all_inner_texts(), strict=True
        )
    )
    assert figures["Net PnL"] == "540"
    assert figures["Equity at the end"] == "560"
    assert figures["Max drawdown"] == "500"
    assert figures["Securities"] == "3"
    assert page.inner_text("header .when") == "5 Aug 2024 10:00 \N{EN DASH} 6 Aug 2024 14:56"
    assert "1 of 3 securities failed" in page.inner_text(".failures")
    assert ERROR in page.inner_text(".failures")
    assert page.title() == "monday · Backtest"


def test_the_table_sorts_by_any_column(opened: Any, report: Path) -> None:
    page = opened(report)
    assert names(page) == ["ADNOCGAS", "EMAAR", "ADCB"]
    table = page.locator(".securities")
    header = page.locator(".securities th[aria-sort]")
    assert header.get_attribute("aria-sort") == "descending"
    table.get_by_role("button", name="Net PnL", exact=True).click()
    assert names(page) == ["EMAAR", "ADNOCGAS", "ADCB"], "what has no value is last either way"
    assert header.get_attribute("aria-sort") == "ascending"
    table.get_by_role("button", name="Security", exact=True).press("Enter")
    assert names(page) == ["ADCB", "ADNOCGAS", "EMAAR"]
    table.get_by_role("button", name="Position", exact=True).press("Space")
    assert names(page) == ["EMAAR", "ADNOCGAS", "ADCB"]
    assert header.count() == 1


def test_a_security_is_picked(opened: Any, report: Path) -> None:
    page = opened(report)
    assert page.inner_text("#security h2") == "ADNOCGAS"
    page.locator(".securities tbody tr").nth(1).click()
    assert page.inner_text("#security h2") == "EMAAR"
    assert page.locator(".securities [aria-current]").inner_text().startswith("EMAAR")
    assert page.url.endswith("#EMAAR")
    page.wait_for_selector("#security .marks .forced")
    page.locator(".contributions button").first.click()
    assert page.inner_text("#security h2") == "ADNOCGAS"
    page.locator(".moves .next").press("Enter")
    page.locator(".moves .next").press("Enter")
    assert page.inner_text("#security h2") == "ADCB"
    assert page.inner_text("#security .error") == ERROR
    first = page.locator(".securities .pick").first
    first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    assert page.inner_text("#security h2") == "EMAAR"


def test_the_address_names_a_security(opened: Any, report: Path) -> None:
    assert opened(report, fragment="#EMAAR").inner_text("#security h2") == "EMAAR"
    assert opened(report, fragment="#nobody").inner_text("#security h2") == "ADNOCGAS"
    assert opened(report, fragment="#%E0%A4%A").inner_text("#security h2") == "ADNOCGAS"
    assert opened(report, fragment="#sweep").locator(".unknown").is_hidden()


def test_an_address_that_names_none_shows_the_whole(opened: Any, report: Path) -> None:
    page = opened(report, fragment="#NO%20SUCH")
    page.wait_for_selector(".overview .line.equity")
    told = page.locator(".unknown")
    assert told.inner_text() == "There is no security 'NO SUCH' in this run, which the address names."
    page.evaluate("location.hash = 'EMAAR'")
    page.wait_for_function("document.querySelector('#security h2').textContent === 'EMAAR'")
    assert told.is_hidden()
    page.evaluate("location.hash = '<b>'")
    page.wait_for_function("!document.querySelector('.unknown').hidden")
    assert page.inner_text("#security h2") == "EMAAR"


def test_values_are_read_with_mouse_and_keys(opened: Any, report: Path) -> None:
    page = opened(report)
    plot = page.locator("#security .plot").first
    plot.scroll_into_view_if_needed()
    captions = page.locator("#security figcaption")
    assert "Mid 3.290" in captions.nth(0).inner_text()
    box = plot.bounding_box()
    page.mouse.move(box["x"] + 2, box["y"] + 40)
    for place in range(4):
        assert captions.nth(place).locator(".when").inner_text().startswith("5 Aug 2024 10:"), (
            "all charts share the cursor"
        )
    page.mouse.move(box["x"], box["y"] - 60)
    assert captions.nth(0).locator(".when").inner_text() == ""
    plot.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert "5 Aug 2024 10:30" in captions.nth(0).inner_text()
    assert "Equity 480" in captions.nth(1).inner_text()
    assert page.locator("#security .crosshair").count() == 4
    page.keyboard.press("Escape")
    assert page.locator("#security .crosshair").count() == 0
    bars = page.locator(".overview .plot").nth(2)
    bars.focus()
    page.keyboard.press("End")
    assert "6 Aug 2024 190" in " ".join(page.locator(".overview figcaption").nth(3).inner_text().split())


def test_the_heat_map(opened: Any, report: Path) -> None:
    page = opened(report)
    cells, controls = page.locator(".heat td button"), page.locator(".controls")
    assert cells.all_inner_texts() == ["13.50", "33.50", "94.00", "23.50", "\N{MINUS SIGN}36.50", "63.50"]
    assert page.locator(".heat .highest").inner_text() == "94.00"
    colours = page.eval_on_selector_all(
        ".heat tbody td", "cells => cells.map(cell => getComputedStyle(cell).backgroundColor)"
    )
    assert len(set(colours)) == 6
    controls.get_by_label("Colour by").select_option("sharpe")
    assert set(cells.all_inner_texts()) == {"1.00"}
    controls.get_by_label("Colour by").select_option("net_pnl")
    controls.locator("select").nth(1).select_option(label="ADNOCGAS")
    assert cells.first.inner_text() == "9.00"
    controls.get_by_label("down").select_option("")
    assert cells.all_inner_texts() == ["14.00", "\N{MINUS SIGN}6.00", "74.25"]
    controls.get_by_label("where several sets meet").select_option("highest")
    assert cells.all_inner_texts() == ["19.00", "29.00", "89.50"]
    cells.nth(1).click()
    rows = page.locator(".sweep .table tbody tr")
    assert [row.split("\t")[0] for row in rows.all_inner_texts()] == ["2", "3"]
    page.get_by_role("button", name="show all sets").click()
    assert rows.count() == 6


def test_a_sweep_alone(opened: Any, tmp_path: Path) -> None:
    page = opened(write_report(write_sweep(tmp_path / "grid")))
    assert page.title() == "grid · Sweep"
    assert "6 sets of parameters · 2 parameters · 2 securities" in page.inner_text(".sweep")
    assert "Highest net PnL: 94.00 by set 4 (quote_size 30, queue fifo)" in page.inner_text(".best")
    assert page.locator("#security").count() == 0


def test_a_sweep_with_failures_and_a_summary(opened: Any, tmp_path: Path) -> None:
    path = write_sweep(tmp_path) / "sweep_results.csv"
    path.write_text(path.read_text().replace("4,EMAAR,30,fifo,2,5,0.5,1.5,", "4,EMAAR,30,fifo,,,,,died"))
    header = "set,trades,realized_pnl,fees,sharpe,deflated_sharpe\n"
    (tmp_path / "sweep_summary.csv").write_text(header + "".join(f"{n},1,{n},0,{n},0.5\n" for n in range(6)))
    page = opened(write_report(tmp_path))
    assert "4 · EMAAR" in page.inner_text(".failures")
    assert "1 set has no figures over all securities" in page.inner_text(".notes")
    best = page.inner_text(".best")
    assert "Highest Sharpe ratio: 5.00 by set 5 (quote_size 30, queue risk_averse); deflated 0.500: it may well" in best
    view = page.locator(".controls select").nth(1)
    page.locator(".sweep").get_by_role("button", name="Deflated Sharpe").click()
    view.select_option(label="EMAAR")
    assert page.locator(".sweep th").get_by_text("Deflated Sharpe").count() == 0
    page.locator(".controls select").first.select_option("deflated_sharpe")
    assert "No set has a value of Deflated Sharpe here." in page.inner_text(".map")


def test_a_sweep_of_nothing_that_varies(opened: Any, tmp_path: Path) -> None:
    (tmp_path / "sweep_results.csv").write_text("set,security,size,trades,realized_pnl\n0,A,1,2,3\n")
    assert "nothing to map" in opened(write_report(tmp_path)).inner_text(".sweep")


@pytest.mark.parametrize("rows", ["", SUMMARY.splitlines()[-1] + "\n"], ids=["none", "failed"])
def test_a_backtest_without_results(opened: Any, tmp_path: Path, rows: str) -> None:
    (tmp_path / "backtest_summary.csv").write_text(SUMMARY.partition("\n")[0] + "\n" + rows)
    page = opened(write_report(tmp_path))
    assert "No security has a result." in page.inner_text("main")
    assert "NaN" not in page.inner_text("body")


def test_nothing_in_the_data_runs(opened: Any, tmp_path: Path) -> None:
    evil = "<img src=x onerror='window.hacked=1'></script><script>window.hacked = 1</script>"
    folder = write_sweep(write_backtest(tmp_path / "a<img src=x>"))
    (folder / "backtest_summary.csv").write_text(SUMMARY.replace("EMAAR", evil).replace("no header", evil))
    sweep = folder / "sweep_results.csv"
    sweep.write_text(sweep.read_text().replace("fifo", evil).replace("queue", "<b>queue"))
    page = opened(write_report(folder))
    page.locator(".securities tbody tr").nth(1).click()
    assert page.inner_text("#security h2") == evil
    assert page.evaluate("window.hacked") is None
    assert page.locator("img").count() == 0
    assert page.locator("h1").inner_text() == "a<img src=x>"


def luminance(colour: str) -> float:
    parts = [float(part) / 255 for part in colour[4:-1].split(",")]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_is_readable_in_light_and_dark(opened: Any, report: Path, scheme: str) -> None:
    page = opened(report, color_scheme=scheme)
    ground = luminance(page.eval_on_selector("body", "body => getComputedStyle(body).backgroundColor"))
    assert (ground < 0.05) == (scheme == "dark")
    texts = [
        "h1",
        "header .kind",
        ".figure dt",
        ".figure .positive",
        ".negative",
        ".table thead button",
        ".hint",
        ".amount",
    ]
    panel = luminance(page.eval_on_selector(".panel", "panel => getComputedStyle(panel).backgroundColor"))
    for selector in texts:
        colour = luminance(page.eval_on_selector(selector, "element => getComputedStyle(element).color"))
        for behind in (ground, panel):
            contrast = (max(colour, behind) + 0.05) / (min(colour, behind) + 0.05)
            assert contrast >= 4.5, f"{selector}: {contrast:.2f}"


@pytest.mark.parametrize("width", [320, 400, 800, 1600])
def test_nothing_is_wider_than_the_window(opened: Any, report: Path, width: int) -> None:
    page = opened(report, width=width)
    page.wait_for_selector("#security .line.equity")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert (
        page.evaluate(
            "Math.max(...[...document.querySelectorAll('.plot')].map(plot => plot.getBoundingClientRect().right))"
        )
        < width
    )


def test_charts_follow_the_width(opened: Any, report: Path) -> None:
    page = opened(report, width=1600)
    plot = page.locator(".overview .plot").first
    before = plot.get_attribute("viewBox")
    page.set_viewport_size({"width": 500, "height": 900})
    page.wait_for_function(
        "before => document.querySelector('.overview .plot').getAttribute('viewBox') !== before", arg=before
    )
    assert float(plot.get_attribute("viewBox").split()[2]) < 500


def test_it_prints(opened: Any, report: Path) -> None:
    page = opened(report, color_scheme="dark", width=720)
    page.emulate_media(media="print")
    assert luminance(page.eval_on_selector(".panel", "panel => getComputedStyle(panel).backgroundColor")) > 0.9
    assert not page.locator(".controls").first.is_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 720
    assert page.pdf(format="A4").startswith(b"%PDF")


def test_parameters_of_many_values_are_cut_into_ranges(opened: Any, tmp_path: Path) -> None:
    lines = [f"{n},A,{7 * n},{n % 2},1,{n}" for n in range(30)]
    (tmp_path / "sweep_results.csv").write_text(
        "set,security,size,flag,trades,realized_pnl\n" + "\n".join(lines) + "\n"
    )
    page = opened(write_report(tmp_path))
    # 0 to 203 in steps of 25; 0, 7, 14 and 21 are the sets 0 to 3.
    labels = [text.replace("\N{EN DASH}", "to") for text in page.locator(".heat thead th").all_inner_texts()]
    assert labels == [f"{low} to {low + 25}" for low in range(0, 225, 25)]
    assert page.locator(".heat tbody tr").first.locator("td").first.inner_text() == "1"
    page.locator(".heat td button").first.click()
    assert [row.split("\t")[0] for row in page.locator(".sweep .table tbody tr").all_inner_texts()] == ["2", "0"]


@pytest.mark.parametrize(
    ("sizes", "labels"),
    [
        ([10 * 60 ** (n / 29) for n in range(30)], "10 15 20 30 50 70 100 150 200 300 500 700"),
        ([0.001 * 10 ** (4 * n / 29) for n in range(30)], "0.001 0.002 0.005 0.01 0.02 0.05 0.1 0.2 0.5 1 2 5 10 20"),
        ([10 + 590 * n / 29 for n in range(30)], "0 100 200 300 400 500 600 700"),
    ],
    ids=["logarithms", "many decades", "even"],
)
def test_a_parameter_of_many_sizes_is_cut_by_its_logarithm(
    opened: Any, tmp_path: Path, sizes: list[float], labels: str
) -> None:
    rows = "".join(f"{n},A,{size!r},{n % 2},1,{n}\n" for n, size in enumerate(sizes))
    (tmp_path / "sweep_results.csv").write_text(f"set,security,size,flag,trades,realized_pnl\n{rows}")
    page = opened(write_report(tmp_path))
    edges = labels.split()
    expected = [f"{low} \N{EN DASH} {high}" for low, high in itertools.pairwise(edges)]
    assert page.locator(".heat thead th").all_inner_texts() == expected
    for place in range(len(expected)):  # Each set is in the range that its size is in.
        low, high = (float(edge) for edge in edges[place : place + 2])
        found = sum(low <= size * (1 + 1e-9) and size < high for size in sizes)
        titles = page.eval_on_selector_all(
            f".heat tbody td:nth-child({place + 2}) button", "cells => cells.map(cell => cell.title)"
        )
        assert sum(int(title.split("(")[1].split()[0]) for title in titles) == found, expected[place]


@pytest.mark.parametrize("width", [400, 1280, 1600])
def test_no_figure_is_cut(opened: Any, tmp_path: Path, width: int) -> None:
    row = "90210,-8765432.25,123,122,-1950325,12345678901,812449.35,2826410,-12.84,0.619,98765432,1906,\n"
    names = ("ADNOCGAS", "EMAARDEV", "FERTIGLB")
    text = SUMMARY.partition("\n")[0] + "\n" + "".join(f"{name},{row}" for name in names)
    (tmp_path / "backtest_summary.csv").write_text(text)
    page = opened(write_report(tmp_path), width=width)
    cut = page.eval_on_selector_all(
        ".figure dd, .securities td, .securities th",
        "cells => cells.filter(cell => cell.scrollWidth > cell.clientWidth).map(cell => cell.textContent)",
    )
    assert cut == []
    lines = page.eval_on_selector_all(
        ".figure dt + dd", "all => all.map(one => one.getClientRects().length * one.clientHeight)"
    )
    assert max(lines) < 40, "a figure stands on one line"
    inner, whole = page.eval_on_selector(".securities .scroll", "box => [box.clientWidth, box.scrollWidth]")
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert whole == inner if width >= 1280 else whole > inner


def test_many_securities_are_searched(opened: Any, tmp_path: Path) -> None:
    header = SUMMARY.partition("\n")[0]
    rows = [f"SEC{number},0,{number - 250},1,0,0,0,0,0,,,9,0," for number in range(500)]
    (tmp_path / "backtest_summary.csv").write_text("\n".join([header, *rows]) + "\n")
    page = opened(write_report(tmp_path))
    shown = page.locator(".securities tbody tr")
    assert shown.count() == 400
    page.locator(".securities .more").click()
    assert shown.count() == 500
    page.get_by_label("Find a security").fill("sec49")
    assert names(page) == [f"SEC{number}" for number in (499, 498, 497, 496, 495, 494, 493, 492, 491, 490, 49)]
    assert "sec0_equity.csv is missing" in page.locator(".notes").inner_text()
    page.locator(".securities tbody tr").first.click()
    assert "sec499_equity.csv is missing" in page.inner_text("#security")


def test_what_there_was_to_trade_on_is_told(opened: Any, tmp_path: Path) -> None:
    counts = dict.fromkeys(COLUMNS, 0) | {"session": "10:05-14:45", "equity_interval_ns": 60_000_000_000}
    idle = counts | {"ticks": 7, "outside_session": 7}
    busy = counts | {"ticks": 1_000, "orders": 40, "refused_post_only": 3}
    folder = write_backtest(tmp_path / "out")
    summary = folder / "backtest_summary.csv"
    summary.write_text(summary.read_text().replace("EMAAR,2,", "EMAAR,0,"))
    (folder / "backtest_activity.json").write_text(json.dumps({"ADNOCGAS": busy, "EMAAR": idle}))
    page = opened(write_report(folder), fragment="#EMAAR")
    assert "No trades: all 7 ticks are outside the session 10:05-14:45." in page.inner_text("#security")
    assert "of equity, sampled each minute" in page.inner_text("#security")
    page = opened(folder / "report.html", fragment="#ADNOCGAS")
    told = page.inner_text("#security .activity")
    assert "Orders sent 40" in told
    assert "refused: post-only would cross 3" in told
    assert "No trades" not in page.inner_text("#security")
