"""How a number is written, the same in every table."""

from math import floor, isfinite, log10

ABSENT = "–"
DECIMALS = {"%": 2, "points": 2, "nats": 4, "s": 1, "MB": 0}
OTHERWISE = 2
FIXED = ("%", "points", "nats")
"""Units whose numbers always have as many decimals; others have as many as their size asks for."""
LARGE = 10_000
"""From here on decimals say nothing."""


def number(value: float | None, unit: str, beside: float | None = None) -> str:
    """`1,234.50`, with the decimals of its unit; a count as it is; `–` for what was not measured.

    A number below what its unit shows has one significant digit (`0.4` MB), a large one no decimals.

    Args:
        beside: the mean that it belongs to, whose decimals it takes.
    """
    if value is None:
        return ABSENT
    if not isfinite(value):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.{_decimals(value if beside is None else beside, unit)}f}"


def _decimals(value: float, unit: str) -> int:
    usual, size = DECIMALS.get(unit, OTHERWISE), abs(value)
    if size >= LARGE and isfinite(size):
        return 0
    if unit in FIXED or not size or not isfinite(size):
        return usual
    return max(usual, -floor(log10(size))) if size < 0.5 * 10**-usual else usual
