"""sabot.fintech.optimal_ac_schedule against the difference equation that its holdings obey, in exact fractions."""

import inspect
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from sabot.errors import OptionError
from sabot.fintech import optimal_ac_schedule

from sabot import fintech

# Almgren & Chriss (2000), table 1: a million shares in five days.
PUBLISHED: dict[str, Any] = {"quantity": 1e6, "horizon": 5, "slices": 5, "sigma": 0.95, "eta": 2.5e-6, "gamma": 2.5e-7}


def exact_holdings(
    quantity: float,
    horizon: float,
    slices: int,
    sigma: float,
    eta: float,
    gamma: float = 0,
    risk_aversion: float = 0,
) -> list[Fraction]:
    """x_{j-1} - 2 x_j + x_{j+1} = (kappa~ tau)^2 x_j from x_N = 0 upwards, scaled so that x_0 is the quantity."""
    tau = Fraction(horizon) / slices
    net = Fraction(eta) - Fraction(gamma) * tau / 2
    twice_cosh = 2 + Fraction(risk_aversion) * Fraction(sigma) ** 2 / net * tau**2
    left = [Fraction(0), Fraction(1)]
    while len(left) <= slices:
        left.append(twice_cosh * left[-1] - left[-2])
    return [Fraction(quantity) * each / left[slices] for each in reversed(left)]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"quantity": float("nan")}, "option 'quantity' must be finite, found nan"),
        ({"quantity": "all"}, "option 'quantity' must be a number, found 'all'"),
        ({"horizon": 0}, "option 'horizon' must be > 0 and finite, found 0"),
        ({"slices": 0}, r"option 'slices' must be in \[1, 16777216\], found 0"),
        ({"slices": 2.5}, "option 'slices' must be an integer, found 2.5"),
        ({"sigma": -1}, "option 'sigma' must be >= 0 and finite, found -1"),
        ({"eta": 0}, "option 'eta' must be > 0 and finite, found 0"),
        ({"eta": 1e-7}, r"option 'eta' must be > gamma \* \(horizon / slices\) / 2 = 1.25e-07, found 1e-07. Take more"),
        ({"gamma": -1}, "option 'gamma' must be >= 0 and finite, found -1"),
        ({"risk_aversion": -1e-6}, "option 'risk_aversion' must be >= 0 and finite, found -1e-06"),
        ({"risk_aversion": float("inf")}, "option 'risk_aversion' must be >= 0 and finite, found inf"),
        ({"quantity": None}, "option 'quantity'"),
    ],
    ids=str,
)
def test_options_out_of_range(options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=f"^optimal_ac_schedule: {message}"):
        optimal_ac_schedule(**PUBLISHED | options)


def test_what_moves_the_price_has_to_be_given() -> None:
    with pytest.raises(TypeError, match="sigma"):
        optimal_ac_schedule(100, 1, eta=1)  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="eta"):
        optimal_ac_schedule(100, 1, sigma=1)  # type: ignore[call-arg]


def test_columns_of_the_schedule() -> None:
    table = optimal_ac_schedule(100, 2, sigma=1, eta=1)
    assert table.schema.equals(
        pa.schema([("step", "int64"), ("time", "float64"), ("holdings", "float64"), ("trade", "float64")])
    )
    assert table["step"].to_pylist() == list(range(11))
    assert table["time"].to_pylist()[-1] == 2.0
    assert table["trade"].to_pylist() == [None] + [10.0] * 10
    assert table["trade"].null_count == 1


def test_it_is_a_function_of_fintech_with_help() -> None:
    assert "optimal_ac_schedule" in fintech.__all__
    text = inspect.getdoc(fintech.optimal_ac_schedule) or ""
    assert all(f"{name}:" in text for name in inspect.signature(optimal_ac_schedule).parameters)
    assert all(f"{name}:" in text for name in optimal_ac_schedule(1, 1, sigma=1, eta=1).column_names)


def test_the_published_example() -> None:
    holdings = optimal_ac_schedule(**PUBLISHED, risk_aversion=1e-6)["holdings"].to_pylist()
    # 2 cosh(kappa tau) = 2 + 0.9025 / 2.375 = 2.38, and so U = 0, 1, 2.38, 4.6644, 8.721272, 16.09222736.
    expected = [1e6 * each / 16.09222736 for each in (16.09222736, 8.721272, 4.6644, 2.38, 1, 0)]
    assert holdings == pytest.approx(expected, rel=1e-12)
    assert [round(each) for each in holdings] == [1_000_000, 541_956, 289_854, 147_897, 62_142, 0]


@pytest.mark.parametrize("risk_aversion", [0, 1e-12, 1e-9, 1e-6, 2e-6, 1e-4, 1e-2, 1.0])
@pytest.mark.parametrize("slices", [1, 2, 5, 60])
@pytest.mark.parametrize("quantity", [1e6, -250_000.25])
def test_exact_fractions(risk_aversion: float, slices: int, quantity: float) -> None:
    options = PUBLISHED | {"risk_aversion": risk_aversion, "slices": slices, "quantity": quantity}
    table = optimal_ac_schedule(**options)
    expected = exact_holdings(**options)
    found = table["holdings"].to_pylist()
    assert (found[0], found[-1]) == (quantity, 0.0)
    for step, (each, want) in enumerate(zip(found, expected, strict=True)):
        assert abs(Fraction(each) - want) <= Fraction(1e-9) * abs(want) + Fraction(1e-12), step
    trades = table["trade"].to_pylist()[1:]
    assert trades == [before - after for before, after in pairwise(found)]


def test_large_urgency_does_not_overflow() -> None:
    table = optimal_ac_schedule(1e6, 1_000, 1_000, sigma=100, eta=1e-3, risk_aversion=1)
    holdings = np.array(table["holdings"])
    assert np.isfinite(holdings).all()
    assert (np.diff(holdings) <= 0).all()
    assert holdings[1] < 1
    assert holdings[-1] == 0


def test_numbers_of_numpy_are_options() -> None:
    plain = optimal_ac_schedule(100, 2, 4, sigma=1, eta=1)
    assert optimal_ac_schedule(np.float32(100), np.int64(2), np.int8(4), sigma=np.float64(1), eta=1).equals(plain)
