"""What trading costs."""

from reference.exact import from_row, slopes
from reference.rules import Floats, Values, reference


@reference(
    rows="valid",
    inputs={"price": "price", "signed_volume": "signed_volume"},
    outputs={"kyle_lambda": float},
    window=lambda options: options.get("window", 20) + 1,
)
def kyle_lambda(price: Floats, signed_volume: Floats, *, window=20, min_periods=None) -> Values:
    """Slope of price changes on signed volume."""
    return {"kyle_lambda": from_row(1 + (min_periods or window), slopes(price, signed_volume, window))}
