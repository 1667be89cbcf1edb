"""What a field's type and range refuse, told from these alone: values as they are typed."""

from collections.abc import Iterator
from math import isfinite
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from unlearn_cli.config.settings import Settings

LIMITS = {
    "gt": lambda value, bound: value > bound,
    "ge": lambda value, bound: value >= bound,
    "lt": lambda value, bound: value < bound,
    "le": lambda value, bound: value <= bound,
}
VALUES: dict[str, Any] = {
    "null": None,
    "true": True,
    "false": False,
    "inf": float("inf"),
    "-inf": float("-inf"),
    "nan": float("nan"),
    "1e400": float("inf"),
    "-1": -1,
    "0": 0,
    "-0.5": -0.5,
    "1.5": 1.5,
    "-1e-12": -1e-12,
    "1e30": 1e30,
    str(2**63): 2**63,
    str(-(2**63) - 1): -(2**63) - 1,
    "nonsense": "nonsense",
    "1O": "1O",
    "[]": [],
    "[[1]]": [[1]],
    "[true]": [True],
    "[inf]": [float("inf")],
    "[-3]": [-3],
    "[null]": [None],
    "[{a:1}]": [{"a": 1}],
    "{}": {},
    "{a:1}": {"a": 1},
}
"""By what is typed."""


def fields(settings: Settings, above: str) -> Iterator[tuple[str, FieldInfo]]:
    """The fields of settings and of those within them, by dotted key; of a list of settings none."""
    for name, field in type(settings).model_fields.items():
        value, key = getattr(settings, name), f"{above}.{name}" if above else name
        if isinstance(value, Settings):
            yield from fields(value, key)
        else:
            yield key, field


def bad_values(field: FieldInfo) -> list[str]:
    """Those that it must refuse, and the ones just beyond its range."""
    beyond = {}
    for one in field.metadata:
        for name, step in (("gt", 0), ("ge", -1), ("lt", 0), ("le", 1)):
            if hasattr(one, name) and isinstance(bound := getattr(one, name), int | float):
                beyond[str(bound + step)] = bound + step
    return [text for text, value in {**VALUES, **beyond}.items() if not takes(field.annotation, field, value)]


def takes(kind: Any, field: Any, value: Any) -> bool:
    """Whether a value is of that type, within the range; also where it is beyond what types tell."""
    parts, origin = get_args(kind), get_origin(kind)
    if origin is Annotated:
        return all(takes(parts[0], one, value) for one in parts[1:])
    if origin in (Union, UnionType):
        return any(takes(part, field, value) for part in parts)
    if origin is Literal:
        return value in parts
    if kind is NoneType:
        return value is None
    if kind is bool:
        return isinstance(value, bool)
    if kind in (int, float):
        return _is_number(kind, value) and _within(field, value)
    if origin in (list, tuple):
        return isinstance(value, list) and (not value or any(takes(parts[0], None, one) for one in value))
    if dict in (kind, origin):
        return isinstance(value, dict) and all(takes(parts[1], None, one) for one in value.values())
    if kind is str or not isinstance(kind, type):
        return not isinstance(value, list | dict)
    return True


def _is_number(kind: type, value: Any) -> bool:
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return False
    return kind is float or (value == int(value) and abs(value) < 2**63)


def _within(field: Any, value: float) -> bool:
    constraints = getattr(field, "metadata", [field])
    return all(
        rule(value, getattr(one, name))
        for one in constraints
        for name, rule in LIMITS.items()
        if hasattr(one, name)
    )
