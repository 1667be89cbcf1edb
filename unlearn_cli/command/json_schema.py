"""The JSON Schema (draft 7, which editors know) of a settings class: the keys of a YAML and their values."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.functional_validators import BeforeValidator

Schema = dict[str, Any]

NAMES = ("title", "required", "default", "format", "$defs")
"""What is left out: all keys may come from a defaults list, and the values stand in the YAML."""
REFERENCE: Schema = {"type": "string", "pattern": r"\$\{.+\}"}
MISSING: Schema = {"const": "???"}
COMMON: Mapping[str, Schema] = {
    "_target_": {"type": "string", "description": "the class whose keys these are, as module.Class"},
    "defaults": {"type": "array", "description": "options whose values these are set upon"},
}


@cache
def class_schema(kind: type[BaseModel]) -> Schema:
    """An object with the keys of a class and no others, all optional; values may be `${another}` or `???`."""
    made = kind.model_json_schema()
    freely = _read_freely(kind)
    properties = {
        name: _free(one) if name in freely else _value(one, made.get("$defs", {}))
        for name, one in made["properties"].items()
    }
    return object_of(properties)


def object_of(properties: Mapping[str, Schema]) -> Schema:
    """Of these keys and no others."""
    return {"type": "object", "properties": {**COMMON, **properties}, "additionalProperties": False}


def _read_freely(kind: type[BaseModel]) -> set[str]:
    """Fields that take more than their type says: a text for a list, an option's node for its class."""
    of_class = kind.__pydantic_decorators__.field_validators.values()
    named = {name for one in of_class if one.info.mode == "before" for name in one.info.fields}
    fields = kind.model_fields.items()
    return named | {n for n, field in fields if any(isinstance(m, BeforeValidator) for m in field.metadata)}


def _free(schema: Schema) -> Schema:
    """A list of plain values, or one of them; anything where the type is none that a YAML spells out."""
    described = {"description": schema.get("description", "")}
    if "type" in schema.get("items", {}):
        return {"anyOf": [_strict(schema, {}), _strict(schema["items"], {}), REFERENCE, MISSING]} | described
    return described


def _value(schema: Schema, classes: Mapping[str, Schema]) -> Schema:
    """What may stand where a value of this schema is wanted."""
    wanted = _strict(schema, classes)
    description = wanted.pop("description", None)
    found: Schema = {"anyOf": [wanted, REFERENCE, MISSING]} if wanted else {}
    return found | ({"description": description} if description else {})


def _strict(schema: Schema, classes: Mapping[str, Schema]) -> Schema:
    """The schema in itself, what is below it read as values."""
    if reference := schema.get("$ref"):
        own = {name: value for name, value in schema.items() if name != "$ref"}
        return _strict(classes[reference.rpartition("/")[2]] | own, classes)
    found = {name: value for name, value in schema.items() if name not in NAMES}
    if "anyOf" in found:
        found["anyOf"] = [_strict(one, classes) for one in found["anyOf"]]
    if "prefixItems" in found:
        found["items"] = [_value(one, classes) for one in found.pop("prefixItems")]
    elif "items" in found:
        found["items"] = _value(found["items"], classes)
    if isinstance(found.get("additionalProperties"), dict):
        found["additionalProperties"] = _value(found["additionalProperties"], classes)
    if "properties" in found:
        found |= object_of({name: _value(one, classes) for name, one in found["properties"].items()})
    return found
