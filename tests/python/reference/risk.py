"""Losses and change."""

from reference.rules import Floats, Values, reference


@reference(
    rows="valid",
    inputs={"x": "log_return"},
    outputs={"cusum_pos": float, "cusum_neg": float, "cusum_alarm": int},
    exact=True,
)
def cusum(x: Floats, *, mean=0.0, std=1.0, k=0.5, h=5.0, reset=True) -> Values:
    """Sums of what exceeds the target by more than the slack, on either side."""
    result: Values = {"cusum_pos": [], "cusum_neg": [], "cusum_alarm": []}
    above = below = 0.0
    for value in x.tolist():
        z = (value - mean) / std
        above, below = max(0.0, above + z - k), max(0.0, below - z - k)
        alarm = 0 if max(above, below) <= h else (1 if above >= below else -1)
        for output, number in (("cusum_pos", above), ("cusum_neg", below), ("cusum_alarm", alarm)):
            result[output].append(number)
        if alarm and reset:
            above = below = 0.0
    return result
