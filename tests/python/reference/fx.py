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
