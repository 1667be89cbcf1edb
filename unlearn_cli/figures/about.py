"""What a figure or a page says of the run that it shows, in a line."""

from collections.abc import Mapping, Sequence
from typing import Any

from unlearn_cli.figures.palette import wrapped

LONGEST = 60  # characters of a list of values


def forgotten(kind: str, facts: Mapping[str, Any], classes: Sequence[str] = ()) -> str:
    """What was forgotten: `class cat`, `domain sketch`, `random, 10 %`.

    kind, facts: of a forget set; classes: names of the data's classes, by number.
    """
    parts = [part for part in (_what(kind, facts, classes), _how_many(facts)) if part]
    return ", ".join(parts)


def about(
    choices: Mapping[str, str], kind: str, facts: Mapping[str, Any], classes: Sequence[str], seed: int
) -> str:
    """Method, data, model, what was forgotten, seed."""
    named = [choices[group] for group in ("method", "data", "model") if group in choices]
    return " · ".join([*named, f"forgotten: {forgotten(kind, facts, classes)}", f"seed {seed}"])


def _what(kind: str, facts: Mapping[str, Any], classes: Sequence[str]) -> str:
    if facts.get("classes"):
        names = [_named(value, classes) for value in _several(facts["classes"])]
        return f"{'class' if len(names) == 1 else 'classes'} {_listed(names)}"
    if facts.get("domains"):
        return f"{facts.get('column', 'domain')} {_listed(facts['domains'])}"
    if facts.get("concept"):
        return f"{kind} {_listed(facts['concept'])}"
    if facts.get("values"):
        return f"{facts.get('column')} = {_listed(facts['values'])}"
    if facts.get("file"):
        return f"the rows of {str(facts['file']).rpartition('/')[2]}"
    if facts.get("rows"):
        return f"row{'s' if len(facts['rows']) > 1 else ''} {_listed(facts['rows'])}"
    if facts.get("query"):
        return f"rows where {_listed(facts['query'])}"
    mode = facts.get("mode")
    return f"{kind} ({mode})" if mode and mode != "worst" else kind.replace("_", " ")


def _how_many(facts: Mapping[str, Any]) -> str:
    unit = facts.get("unit", "sample")
    of = "" if unit == "sample" else f" by {unit}"
    count, fraction = facts.get("count"), facts.get("fraction")
    if isinstance(count, int) and count:
        return f"{count:,}{of}"
    return f"{100 * fraction:g} %{of}" if isinstance(fraction, float) else ""


def _named(value: Any, classes: Sequence[str]) -> str:
    """A class by its name; a number is one only where no class is called so."""
    number = isinstance(value, int) and str(value) not in classes and 0 <= value < len(classes)
    return classes[value] if number else str(value)


def _several(values: Any) -> list[Any]:
    return values if isinstance(values, list) else [values]


def _listed(values: Any) -> str:
    """One value or several, cut short."""
    return wrapped(", ".join(str(value) for value in _several(values)), LONGEST, 1)
