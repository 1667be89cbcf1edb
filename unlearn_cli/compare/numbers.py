"""How a number is written, the same in every table."""

from math import isfinite

ABSENT = "–"
DECIMALS = {"%": 2, "nats": 4, "s": 1, "MB": 0}
OTHERWISE = 2


def number(value: float | None, unit: str) -> str:
    """`1,234.50`, with the decimals of its unit; a count as it is; `–` for what was not measured."""
    if value is None:
        return ABSENT
    if not isfinite(value):
        return str(value)
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.{DECIMALS.get(unit, OTHERWISE)}f}"
