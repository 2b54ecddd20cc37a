"""How results are compared: with a reference within its tolerance, with one another by their bits."""

import numpy as np
import pyarrow as pa

from reference.rules import Expected, is_null


def differences(found: pa.ChunkedArray, expected: Expected) -> list[str]:
    """The first rows at which a result is not what was expected, in words."""
    null, values = is_null(found), expected.values
    if values.dtype == float:
        assert found.type == pa.float64(), found.type
        numbers = found.fill_null(0).to_numpy()
        assert np.isfinite(numbers).all(), "an output holds NaN or an infinity"
        agree = np.where(np.isnan(values), null, ~null & (np.abs(numbers - values) <= expected.tolerance))
    else:
        agree = np.array([left == right for left, right in zip(found.to_pylist(), values.tolist(), strict=True)], bool)
    wrong = np.flatnonzero(~agree)
    return [
        f"row {row}: found {found[row].as_py()!r}, expected {values[row]!r} within {expected.tolerance[row]:.3g} "
        f"({len(wrong)} of {len(values)} rows differ)"
        for row in wrong[:5].tolist()
    ]


def assert_agree(result: pa.Table, expected: dict[str, Expected], names: dict[str, str] | None = None) -> None:
    """Every output is in the table, under its name or the one given, and as expected."""
    wrong = []
    for output, values in expected.items():
        name = (names or {}).get(output, output)
        wrong += [f"{name}, {difference}" for difference in differences(result[name], values)]
    assert not wrong, "\n".join(wrong)


def bits(column: pa.ChunkedArray) -> tuple[str, bytes, bytes]:
    """All that an answer is: its type, which rows are null, and the bytes of the others."""
    # Arrow cannot join empty chunks that came through its C interface with an offset.
    chunks = [chunk for chunk in column.chunks if len(chunk) > 0]
    array = pa.concat_arrays(chunks) if chunks else pa.array([], column.type)
    validity = array.is_valid().to_numpy(zero_copy_only=False).tobytes()
    if pa.types.is_boolean(array.type):
        return str(array.type), validity, array.fill_null(False).to_numpy(zero_copy_only=False).tobytes()
    if pa.types.is_primitive(array.type):
        return str(array.type), validity, array.fill_null(0).to_numpy(zero_copy_only=False).tobytes()
    return str(array.type), validity, "\0".join(array.fill_null("").to_pylist()).encode()
