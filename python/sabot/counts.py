"""Numbers of things as a sentence has them."""

__all__ = ["counted", "rows_text", "securities_text"]


def counted(number: int, one: str, several: str) -> str:
    """Such as: 1 row; 2,000 rows."""
    return f"{number:,} {one if number == 1 else several}"


def rows_text(rows: int) -> str:
    """1 row, 2 rows."""
    return counted(rows, "row", "rows")


def securities_text(securities: int) -> str:
    """1 security, 2 securities."""
    return counted(securities, "security", "securities")
