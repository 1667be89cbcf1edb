"""Every number of every setting: a stated range, finite, and no true or false; nor is 1 a true."""

import importlib
import pkgutil
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, get_args, get_origin

import pytest
from pydantic import Field, ValidationError
from pydantic.fields import FieldInfo

import unlearn_cli
from unlearn_cli.config.settings import Settings, checked
from unlearn_cli.errors import InputError

BOUNDS = ("gt", "ge", "lt", "le")
ANY = {
    "Group.values": "whatever a column holds",
    "Expected.values": "whatever a paper has measured",
    **dict.fromkeys(("Range.low", "Range.high", "Range.times"), "whatever a value can be"),
}


def classes(kind: type[Settings] = Settings) -> Iterator[type[Settings]]:
    """All that the package defines; those that tests define are not its own."""
    for one in kind.__subclasses__():
        if one.__module__.startswith("unlearn_cli."):
            yield one
        yield from classes(one)


def unbounded(kind: Any, constraints: list[Any]) -> bool:
    """Whether a number of that type has no range."""
    parts = get_args(kind)
    if kind in (int, float):
        return not any(hasattr(one, bound) for one in constraints for bound in BOUNDS)
    if get_origin(kind) is Annotated:
        inside = [m for one in parts[1:] for m in (one.metadata if isinstance(one, FieldInfo) else [one])]
        return unbounded(parts[0], inside)
    return any(unbounded(part, constraints) for part in parts)


Fields = list[tuple[type[Settings], str, FieldInfo]]


@pytest.fixture(scope="module")
def every_field() -> Fields:
    for module in pkgutil.walk_packages(unlearn_cli.__path__, "unlearn_cli."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return [(kind, name, field) for kind in {*classes()} for name, field in kind.model_fields.items()]


@pytest.fixture(scope="module")
def numeric(every_field) -> Fields:
    return [one for one in every_field if {int, float} & types(one[2].annotation)]


def test_every_number_has_a_stated_range(numeric):
    without = {f"{kind.__name__}.{name}" for kind, name, f in numeric if unbounded(f.annotation, f.metadata)}
    assert without == ANY.keys()


def types(kind: Any) -> set[Any]:
    """The plain types in it."""
    return {kind}.union(*map(types, get_args(kind)))


@pytest.mark.parametrize("value", [True, False, float("inf"), float("nan"), 2**63])
def test_no_number_is_anything_else(numeric, value):
    """A field for true and false has its own type."""
    for kind, name, field in numeric:
        there = types(field.annotation)
        if dict in {get_origin(one) for one in there} or bool in there or (value == 2**63 and float in there):
            continue
        faults = faults_of(kind, name, as_given(value, field))
        assert faults, (kind, name)
        assert "missing" not in faults


def as_given(value: Any, field: FieldInfo) -> Any:
    """Alone, or in a list where the field takes one."""
    return [value] if {list, tuple} & {get_origin(one) for one in types(field.annotation)} else value


def faults_of(kind: type[Settings], name: str, value: Any) -> list[str]:
    """Pydantic's words for what is wrong with a field's value."""
    with pytest.raises(ValidationError) as caught:
        kind.__pydantic_validator__.validate_python({name: value})
    return [fault["type"] for fault in caught.value.errors() if fault["loc"][0] == name]


@pytest.mark.parametrize("value", [0, 1, 1.0, "1", "yes"])
def test_a_switch_is_true_or_false(every_field, value):
    switches = [(k, n, f) for k, n, f in every_field if bool in types(f.annotation)]
    assert len(switches) > 20
    for kind, name, field in switches:
        if not {int, str, Path} & types(field.annotation):
            assert "no_bool" in faults_of(kind, name, as_given(value, field)), (kind, name)


class Inner(Settings):
    n: int = Field(gt=0)


class Made(Settings):
    count: int
    names: list[Annotated[int, Field(ge=0)] | str]
    switch: bool | int
    flag: bool = False
    inner: Inner
    several: dict[str, Inner] | None = None
    listed: tuple[Inner, ...] = ()
    default: float = 0.5
    values: dict[str, tuple[float, float | None]] = Field(default={})


GOOD = {"count": 1, "names": [0, "a"], "switch": True, "inner": {"n": 1}}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"count": True}, "made.count: input should be a number, got true"),
        ({"flag": 1}, "made.flag: input should be true or false, got 1"),
        ({"flag": None}, "made.flag: input should be true or false, got null"),
        ({"count": None}, "made.count: input should be a valid integer, got null"),
        ({"count": 2**63}, "made.count: input should be less than or equal to 9223372036854775807, got"),
        ({"names": [False]}, "made.names.0: input should be a number, or a valid string, got false"),
        (
            {"names": [-1]},
            "made.names.0: input should be greater than or equal to 0, or a valid string, got -1",
        ),
        ({"names": ["a", [1]]}, "made.names.1: input should be a valid integer, or a valid string, got [1]"),
        ({"inner": {"n": True}}, "made.inner.n: input should be a number, got true"),
        ({"typo": 1}, "made.typo: no such key; there are: count"),
        ({"inner": {"n": 1, "nn": {"a": {"b": 1}}}}, "made.inner.nn.a.b: no such key; did you mean 'n'?"),
        ({"several": {"a": {"n": 1, "m": 1}}}, "made.several.a.m: no such key; there are: n"),
        ({"listed": [{"n": 1}, {"n": 1, "m": 1}]}, "made.listed.1.m: no such key; there are: n"),
        ({"inner": {}}, "made.inner.n: missing; set made.inner.n=…"),
        ({"default": float("-inf")}, "made.default: input should be a finite number, got -inf"),
        ({"values": {"UA": [1, True]}}, "made.values.UA.1: input should be a number, got true"),
    ],
)
def test_what_is_said(change, said):
    with pytest.raises(InputError) as caught:
        checked(Made, GOOD | change, "made")
    assert str(caught.value).startswith(said)


def test_what_is_taken():
    made = checked(Made, GOOD, "made")
    assert made.switch is True
    assert checked(Made, GOOD | {"count": 2.0, "switch": 3}, "made").switch == 3
