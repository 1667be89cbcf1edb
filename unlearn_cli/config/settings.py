"""Typed settings: the base class of everything that a config node names by `_target_`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    ValidationError,
    ValidationInfo,
    field_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError

from unlearn_cli.config.classes import is_own
from unlearn_cli.config.dormant import without_off
from unlearn_cli.config.importing import imported
from unlearn_cli.config.numbers import LARGEST, meant, strict
from unlearn_cli.config.sources import import_changed_again, source_of
from unlearn_cli.errors import InputError, did_you_mean

PLACE = "Input should name a file or folder (a full stop: this one)"
LONGEST = 100  # letters of a value that a message repeats
TYPED = {"True": "true", "False": "false", "None": "null"}
"""Of values that Python spells otherwise: as they are typed."""


class Settings(BaseModel):
    """Fields are the YAML's keys, typed and range-checked. Values stand in the YAML alone.

    Numbers are finite, whole ones of 64 bits, and true and false are none (config/numbers.py).
    """

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True, allow_inf_nan=False)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return strict(handler(source))

    @field_validator("*", mode="before")
    @classmethod
    def _names_a_place(cls, value: Any, field: ValidationInfo) -> Any:
        """An empty path would be the current folder: `tuned=$FOLDER` where the shell knows no FOLDER."""
        if value == "" and _takes_a_path(cls.model_fields[str(field.field_name)].annotation):
            raise PydanticCustomError("no_place", PLACE)
        return value


def _takes_a_path(annotation: Any) -> bool:
    return annotation is Path or any(map(_takes_a_path, get_args(annotation)))


def described(settings: Settings) -> dict[str, Any]:
    """A settings object as JSON-able facts: its class, a plug-in's source, its values but what is off."""
    return {**kind_facts(settings), **without_off(settings.model_dump(mode="json"))}


def kind_facts(settings: Settings) -> dict[str, Any]:
    """Which class a settings object is of, with a plug-in's source."""
    kind = type(settings)
    source = None if is_own(kind.__module__) else source_of(kind.__module__)
    return {"class": f"{kind.__module__}.{kind.__qualname__}"} | ({"source": source} if source else {})


def build(node: Any, key: str) -> Any:
    """The settings class that the node's `_target_` names, made from the node's other keys."""
    if not isinstance(node, dict) or "_target_" not in node:
        raise InputError(f"{key}._target_: missing; its YAML names a class there, as module.Class")
    kind = kind_of(node["_target_"], key)
    return checked(kind, {name: value for name, value in node.items() if name != "_target_"}, key)


def kind_of(target: Any, key: str) -> Any:
    """The settings class of that dotted name."""
    import_changed_again(str(target))
    kind = imported(str(target), f"{key}._target_")
    if not (isinstance(kind, type) and issubclass(kind, Settings)):
        raise InputError(
            f"{key}._target_: '{target}' is not a subclass of unlearn_cli.config.settings.Settings; name one "
            f"as module.Class, or choose an option by {key}=NAME"
        )
    if lacking := getattr(kind, "__abstractmethods__", None):
        raise InputError(f"{key}._target_: '{target}' has yet to define {', '.join(sorted(lacking))}")
    return kind


def checked(kind: type[Settings], values: dict[str, Any], key: str) -> Any:
    """kind(**values), its first fault told in one line."""
    try:
        return kind(**values)
    except ValidationError as error:
        raise InputError(_first_fault(error, kind, values, key)) from error


def _first_fault(error: ValidationError, kind: type[Settings], values: dict[str, Any], key: str) -> str:
    first, *others = error.errors(include_url=False)
    path = ".".join(part for part in (key, *map(str, first["loc"])) if part)
    if first["type"] == "extra_forbidden":
        *above, wrong = map(str, first["loc"])
        typed = ".".join([path, *_way_down(first["input"])])
        return f"{typed}: no such key; {did_you_mean(wrong, _settings_at(kind, above).model_fields)}"
    if first["type"] == "missing":
        return f"{path}: missing; set {path}=…"
    place = _typed(first["loc"], values)
    path = ".".join(part for part in (key, *map(str, place)) if part)
    message = PLACE if first["type"] == "path_type" else first["msg"]
    message = message[0].lower() + message[1:]
    if first["type"] == "int_parsing_size":  # more digits than are read
        message = f"input should be a whole number up to {LARGEST}"
    for other in others:
        if _typed(other["loc"], values) == place:
            message += ", or " + other["msg"].removeprefix("Input should be ")
    if first["type"] == "float_parsing" and (number := meant(first["input"])) is not None:
        return f"{path}: input should be a valid number, got '{first['input']}'; as a number {number:g}"
    given = TYPED.get(repr(first["input"]), repr(first["input"]))
    return f"{path}: {message}, got {given if len(given) <= LONGEST else given[:LONGEST] + '…'}"


def _way_down(value: Any) -> Iterator[str]:
    """The keys that lead to a value's first leaf: `+typo.key=1` has made them all."""
    while isinstance(value, dict) and value and "_target_" not in value:
        key, value = next(iter(value.items()))
        yield str(key)


def _typed(place: tuple[int | str, ...], values: Any) -> tuple[int | str, ...]:
    """As much of a fault's place as leads through the values: below it stand the members of a union."""
    for depth, part in enumerate(place):
        inside = part in values if isinstance(values, dict) else isinstance(values, list)
        if not inside or (isinstance(values, list) and not isinstance(part, int)):
            return place[:depth]
        values = values[part]
    return place


def _settings_at(kind: type[Settings], path: list[str]) -> type[Settings]:
    """The settings class that `path` leads to: fields, and keys and places of what is one of several."""
    for name in path:
        if name in kind.model_fields:
            kind = next(_settings_in(kind.model_fields[name].annotation))
    return kind


def _settings_in(annotation: Any) -> Iterator[type[Settings]]:
    """The settings classes in a type: of a union's members, of what a list or a dict holds."""
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        yield annotation
    for part in get_args(annotation):
        yield from _settings_in(part)
