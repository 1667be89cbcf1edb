"""What a number is in settings: finite, of 64 bits where it is whole; true and false are none, 1 no true."""

import re
from typing import Any

from pydantic_core import CoreSchema, PydanticCustomError, core_schema

SHARE = re.compile(r"\s*(\d{1,9}\.?\d{0,9})\s*(?:%|/\s*(\d{1,9}))\s*")
LARGEST = 2**63 - 1
"""Of a whole number, where a field says nothing smaller; NumPy and PyTorch count no further."""


def strict(schema: Any) -> Any:
    """A class's schema in which every number refuses true and false, in lists and unions, too, and every
    switch whatever is neither.

    Infinity and NaN are refused by the base class's `allow_inf_nan`.
    """
    if isinstance(schema, list | tuple):  # a union's members, a pair of one and its label
        return type(schema)(strict(part) for part in schema)
    if not isinstance(schema, dict) or _is_strict(schema):
        return schema
    kind = schema.get("type")  # of the fields by name it may be a field's own
    if isinstance(kind, str) and kind in REFUSING:
        return _refusing(schema)
    values = ("metadata", "default") if isinstance(kind, str) else ()
    return {name: part if name in values else strict(part) for name, part in schema.items()}


def meant(text: str) -> float | None:
    """The number that a share like 50% or 1/2 stands for; None if it is neither."""
    found = SHARE.fullmatch(text)
    if not found or float(found[2] or 100) == 0:
        return None
    return float(found[1]) / float(found[2] or 100)


def _refusing(schema: Any) -> CoreSchema:
    if schema["type"] == "int" and not {"lt", "le"} & schema.keys():
        schema = schema | {"le": LARGEST}
    return core_schema.no_info_before_validator_function(REFUSING[schema["type"]], schema)


def _is_strict(schema: dict[str, Any]) -> bool:
    """Whether it is such a value's already: of a class within the class."""
    function = schema.get("function")
    return isinstance(function, dict) and function.get("function") in REFUSING.values()


def _no_bool(value: Any) -> Any:
    if isinstance(value, bool):
        raise PydanticCustomError("bool_as_number", "Input should be a number")
    return value


def _bool(value: Any) -> Any:
    if not isinstance(value, bool):
        raise PydanticCustomError("no_bool", "Input should be true or false")
    return value


REFUSING = {"int": _no_bool, "float": _no_bool, "bool": _bool}
"""By pydantic's name of a type: what looks at a value before it is read as one."""
