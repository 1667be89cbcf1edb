"""What a search for a forget set came to, in a line."""

from collections.abc import Mapping
from typing import Any

UNITS = {"sample": "samples", "class": "classes"}


def search_summary(forget: Mapping[str, Any]) -> str:
    """A sentence about the search; '' if the set took none.

    forget: `forget` of metrics.json, with kind, count (rows), facts and found.
    """
    facts, found = forget["facts"], forget.get("found")  # which older results lack
    if not found:
        return ""
    mode = "" if facts["mode"] == "worst" else f" ({facts['mode']})"
    count, there, unit = found["selected"], found["units"], UNITS.get(facts["unit"], facts["unit"])
    selected, others = brief(found["loss_selected"]), brief(found["loss_others"])
    return (
        f"{forget['kind']}{mode}: {count:,} of {there:,} {unit}, "
        f"{found['iterations']} upper iterations, {found['seconds']:,.0f} s; "
        f"{brief(100 * found['random'])} % lie in a random set of this size too "
        f"(chance: {brief(100 * count / there)} %); "
        f"mean loss {selected} of the selected, {others} of the others"
    )


def brief(value: float) -> str:
    """Two significant digits: 12, 0.0012, 1.2e-07."""
    return f"{float(f'{value:.2g}'):g}"
