"""What a number is in settings: finite, of 64 bits where it is whole; true and false are none."""

from typing import Any

from pydantic_core import CoreSchema, PydanticCustomError, core_schema

NUMBERS = ("int", "float")
LARGEST = 2**63 - 1
"""Of a whole number, where a field says nothing smaller; NumPy and PyTorch count no further."""


def strict(schema: Any) -> Any:
    """A class's schema in which every number refuses true and false, in lists and unions, too.

    Infinity and NaN are refused by the base class's `allow_inf_nan`.
    """
    if isinstance(schema, list | tuple):  # a union's members, a pair of one and its label
        return type(schema)(strict(part) for part in schema)
    if not isinstance(schema, dict) or _is_strict(schema):
        return schema
    kind = schema.get("type")  # of the fields by name it may be a field's own
    if isinstance(kind, str) and kind in NUMBERS:
        return _number(schema)
    values = ("metadata", "default") if isinstance(kind, str) else ()
    return {name: part if name in values else strict(part) for name, part in schema.items()}


def _number(schema: Any) -> CoreSchema:
    if schema["type"] == "int" and not {"lt", "le"} & schema.keys():
        schema = schema | {"le": LARGEST}
    return core_schema.no_info_before_validator_function(_no_bool, schema)


def _is_strict(schema: dict[str, Any]) -> bool:
    """Whether it is a number's already: of a class within the class."""
    function = schema.get("function")
    return isinstance(function, dict) and function.get("function") is _no_bool


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise PydanticCustomError("bool_as_number", "input should be a number")
    return value
