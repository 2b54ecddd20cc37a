"""Tables that follow from their options alone."""

import pyarrow as pa

from sabot import _native
from sabot.tables import table_of

__all__ = ["optimal_ac_schedule"]


def optimal_ac_schedule(
    quantity: float,
    horizon: float,
    slices: int = 10,
    *,
    sigma: float,
    eta: float,
    gamma: float = 0,
    risk_aversion: float = 0,
) -> pa.Table:
    """How to trade a position away when trading fast costs impact and waiting costs risk (Almgren & Chriss).

    Formula: tau = horizon / slices, eta~ = eta - gamma * tau / 2, kappa~^2 = risk_aversion * sigma^2 / eta~,
             kappa * tau = acosh(1 + kappa~^2 * tau^2 / 2),
             holdings_j = quantity * sinh(kappa * (horizon - time_j)) / sinh(kappa * horizon)
    Options: quantity: units to trade away; negative: a short position, which is bought back.
             horizon: when nothing is left, > 0, in any unit of time.
             slices: trades, at equal distances in time, >= 1.
             sigma: volatility, price units per square root of time, >= 0.
             eta: temporary impact, price units per unit of quantity and time, > gamma * tau / 2.
             gamma: permanent impact, price units per unit of quantity, >= 0. It costs the same however one trades.
             risk_aversion: what a unit of variance costs, >= 0. 0: equal trades.
    Returns: slices + 1 rows. step: int64, from 0. time: from 0 to horizon. holdings: what is left then, from
             quantity to 0, both exact. trade: what was traded since the step before; null in the first row.
    Raises:  OptionError, if an option is out of its range, or eta is too small for gamma.
    Source:  Almgren & Chriss (2000), Journal of Risk 3(2), section 2.2.
    """
    return table_of(
        _native.optimal_ac_schedule(
            {
                "quantity": quantity,
                "horizon": horizon,
                "slices": slices,
                "sigma": sigma,
                "eta": eta,
                "gamma": gamma,
                "risk_aversion": risk_aversion,
            }
        )
    )
