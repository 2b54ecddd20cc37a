"""How much a price moves."""

from reference.exact import divide, from_row, integers, sums
from reference.rules import Floats, Values, reference


@reference(
    rows="valid",
    inputs={"x": "log_return"},
    outputs={"realized_var": float},
    window=lambda options: options.get("window", 20),
)
def realized_var(x: Floats, *, window=20, min_periods=None) -> Values:
    """Sum of the last squares."""
    terms, power = integers(x)
    totals = [divide(total, power * power) for total in sums([term * term for term in terms], window)]
    return {"realized_var": from_row(min_periods or window, totals)}
