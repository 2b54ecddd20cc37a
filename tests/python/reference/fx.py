"""Prices of currencies against one another."""

import numpy as np

from reference.rules import Floats, Values, reference


@reference(
    rows="alone",
    inputs={"spot_ab": "spot_ab", "spot_bc": "spot_bc", "spot_ac": "spot_ac", "fees_bps": "fees_bps"},
    outputs={"arb_edge_bps": float, "arb_route": str},
    valid=lambda spot_ab, spot_bc, spot_ac, **_: (spot_ab > 0) & (spot_bc > 0) & (spot_ac > 0),
    needs=lambda options: ["spot_ab", "spot_bc", "spot_ac", *(["fees_bps"] if options.get("use_fees_column") else [])],
    exact=True,
)
def triangular_arbitrage(spot_ab, spot_bc, spot_ac, fees_in_column, *, fees_bps=0.0, use_fees_column=False) -> Values:
    """Gain of the better way round."""
    fees = fees_in_column if use_fees_column else fees_bps
    forward: Floats = 1e4 * (spot_ab * spot_bc / spot_ac - 1) - fees
    reverse: Floats = 1e4 * (spot_ac / (spot_ab * spot_bc) - 1) - fees
    edge = np.maximum(forward, reverse)
    route = np.where(edge <= 0, "none", np.where(forward >= reverse, "A>B>C>A", "A>C>B>A"))
    return {"arb_edge_bps": edge, "arb_route": np.where(np.isfinite(edge), route.astype(object), None)}


@reference(
    rows="alone",
    inputs={"spot": "spot", "r_dom": "r_dom", "r_for": "r_for"},
    outputs={"forward_points": float},
    valid=lambda spot, **_: spot > 0,
    exact=lambda options: options.get("compounding") == "simple",
)
def forward_points(
    spot: Floats, r_dom: Floats, r_for: Floats, *, t_years=1.0, compounding="continuous", pip=1.0
) -> Values:
    """What a loan in one currency, changed and lent in the other, is worth at its end."""
    if compounding == "continuous":
        return {"forward_points": spot * np.expm1((r_dom - r_for) * t_years) / pip}
    growth = 1 + r_for * t_years
    points = spot * (r_dom - r_for) * t_years / growth / pip
    return {"forward_points": np.where((growth > 0) & np.isfinite(growth), points, np.nan)}


@reference(
    rows="alone",
    inputs={"spot": "spot", "forward": "forward", "r_dom": "r_dom", "r_for": "r_for"},
    outputs={"cip_basis": float},
    valid=lambda spot, forward, **_: (spot > 0) & (forward > 0),
    exact=lambda options: options.get("compounding") == "simple",
)
def cip_basis(
    spot: Floats, forward: Floats, r_dom: Floats, r_for: Floats, *, t_years=1.0, compounding="continuous"
) -> Values:
    """The domestic rate by way of the forward, less the domestic rate."""
    if compounding == "continuous":
        return {"cip_basis": np.log(forward / spot) / t_years - (r_dom - r_for)}
    return {"cip_basis": (forward / spot * (1 + r_for * t_years) - 1) / t_years - r_dom}


@reference(
    rows="alone",
    inputs={"r_dom": "r_dom", "r_for": "r_for", "volatility": "volatility"},
    outputs={"carry_signal": float},
    valid=lambda r_dom, volatility=1.0, **_: np.isfinite(r_dom) & (volatility > 0),
    needs=lambda options: ["r_dom", "r_for", *(["volatility"] if options.get("risk_adjusted") else [])],
    exact=True,
)
def carry_signal(r_dom: Floats, r_for: Floats, volatility: Floats | None, *, risk_adjusted=False) -> Values:
    """Difference of the rates, as it is or in units of risk."""
    return {"carry_signal": (r_for - r_dom) / volatility if risk_adjusted else r_for - r_dom}
