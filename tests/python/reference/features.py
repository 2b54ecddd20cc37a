"""Earlier values, changes, rolling moments."""

import numpy as np

from reference.exact import deviations, from_row
from reference.rules import Floats, Values, reference


@reference(rows="all", inputs={"x": "price"}, outputs={"lag": float}, exact=True)
def lag(x: Floats, *, k=1) -> Values:
    """The value k rows before."""
    return {"lag": np.concatenate([np.full(k, np.nan), x])[: len(x)]}


@reference(rows="all", inputs={"x": "price"}, outputs={"diff": float}, exact=True)
def diff(x: Floats, *, k=1) -> Values:
    """The change since k rows before."""
    return {"diff": x - lag(x, k=k)["lag"]}


@reference(
    rows="valid",
    inputs={"x": "price"},
    outputs={"rolling_std": float},
    window=lambda options: options.get("window", 20),
)
def rolling_std(x: Floats, *, window=20, min_periods=None, ddof=1) -> Values:
    """Standard deviation of the last values."""
    return {"rolling_std": from_row(min_periods or window, deviations(x, window, ddof))}
