"""Derivatives of crypto assets."""

import numpy as np

from reference.exact import divide, integers, sums
from reference.rules import Floats, Values, reference


@reference(rows="alone", inputs={"funding_rate": "funding_rate"}, outputs={"funding_apr": float}, exact=True)
def funding_apr(funding_rate: Floats, *, interval_hours=8.0) -> Values:
    """The rate times the payments of a year of 365 days."""
    return {"funding_apr": funding_rate * (365 * 24 / interval_hours)}


@reference(
    rows="valid",
    inputs={"position": "position", "price": "price", "funding_rate": "funding_rate"},
    outputs={"funding_payment": float, "funding_cost": float},
    valid=lambda price, **_: price > 0,
)
def funding_cost(position: Floats, price: Floats, funding_rate: Floats) -> Values:
    """Payments, and their sum without rounding."""
    payments = position * price * funding_rate
    terms, power = integers(payments)
    return {"funding_payment": payments, "funding_cost": [divide(total, power) for total in sums(terms)]}


@reference(
    rows="alone",
    inputs={"futures_price": "futures_price", "spot_price": "spot_price"},
    outputs={"basis_annualized": float},
    valid=lambda spot_price, **_: spot_price > 0,
    exact=True,
)
def basis_annualized(futures_price: Floats, spot_price: Floats, *, days=90.0, day_count=365.0) -> Values:
    """The premium, as many times as the term fits into a year."""
    return {"basis_annualized": (futures_price / spot_price - 1) * (day_count / days)}


@reference(
    rows="valid",
    inputs={"open_interest": "open_interest"},
    outputs={"oi_delta": float},
    valid=lambda open_interest: open_interest >= 0,
    exact=True,
)
def open_interest_delta(open_interest: Floats) -> Values:
    """Difference from the row before."""
    return {"oi_delta": np.diff(open_interest, prepend=np.full(min(len(open_interest), 1), np.nan))}


@reference(
    rows="alone",
    inputs={"index_price": "index_price", "funding_rate": "funding_rate", "hours_to_funding": "hours_to_funding"},
    outputs={"perp_fair_price": float},
    valid=lambda index_price, hours_to_funding, **_: (index_price > 0) & (hours_to_funding >= 0),
    exact=True,
)
def perp_fair_price(
    index_price: Floats, funding_rate: Floats, hours_to_funding: Floats, *, interval_hours=8.0
) -> Values:
    """The index with its share of the payment to come."""
    return {"perp_fair_price": index_price * (1 + funding_rate * (hours_to_funding / interval_hours))}


@reference(
    rows="alone",
    inputs={
        "perp_price": "perp_price",
        "spot_price": "spot_price",
        "funding_rate": "funding_rate",
        "fees_bps": "fees_bps",
    },
    outputs={"carry_edge_bps": float},
    valid=lambda spot_price, **_: spot_price > 0,
    needs=lambda options: [
        "perp_price",
        "spot_price",
        "funding_rate",
        *(["fees_bps"] if options.get("use_fees_column") else []),
    ],
    exact=True,
)
def cash_and_carry_edge(
    perp_price, spot_price, funding_rate, fees_in_column, *, periods=1.0, fees_bps=0.0, use_fees_column=False
) -> Values:
    """Premium and funding of the short leg, less fees."""
    fees = fees_in_column if use_fees_column else fees_bps
    earned: Floats = (perp_price - spot_price) / spot_price + funding_rate * periods
    return {"carry_edge_bps": 1e4 * earned - fees}
