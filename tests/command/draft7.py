"""As much of JSON Schema, draft 7, as our schemas use: a keyword that is not known here is an error."""

import re
from collections.abc import Mapping
from typing import Any

TYPES: dict[str, Any] = {
    "object": dict,
    "array": list,
    "string": str,
    "boolean": bool,
    "null": type(None),
    "integer": int,
    "number": (int, float),
}
SAID = {"$schema", "description", "examples", "definitions", "then"}
CHECKS: dict[str, tuple[Any, Any]] = {
    "minimum": ((int, float), lambda value, limit: value >= limit),
    "maximum": ((int, float), lambda value, limit: value <= limit),
    "exclusiveMinimum": ((int, float), lambda value, limit: value > limit),
    "exclusiveMaximum": ((int, float), lambda value, limit: value < limit),
    "minLength": (str, lambda value, limit: len(value) >= limit),
    "maxLength": (str, lambda value, limit: len(value) <= limit),
    "minItems": (list, lambda value, limit: len(value) >= limit),
    "maxItems": (list, lambda value, limit: len(value) <= limit),
    "pattern": (str, lambda value, pattern: re.search(pattern, value) is not None),
    "required": (dict, lambda value, names: set(names) <= value.keys()),
}


def valid(value: Any, schema: Any, files: Mapping[str, Any], file: str) -> bool:
    """Whether the value is one of the schema, which stands in that file of those."""

    def so(value: Any, schema: Any) -> bool:
        return valid(value, schema, files, file)

    if isinstance(schema, bool):
        return schema
    if "$ref" in schema:  # whatever stands beside it is passed over
        place, _, inside = schema["$ref"].partition("#/definitions/")
        place = place.removesuffix(".json") or file
        whole = files[place]
        return valid(value, whole["definitions"][inside] if inside else whole, files, place)
    return all(_holds(word, given, value, schema, so) for word, given in schema.items() if word not in SAID)


def _holds(word: str, given: Any, value: Any, schema: Any, so: Any) -> bool:
    match word:
        case "type":
            return isinstance(value, TYPES[given]) and (isinstance(value, bool) == (given == "boolean"))
        case "const":
            return value == given
        case "enum":
            return value in given
        case "anyOf":
            return any(so(value, one) for one in given)
        case "allOf":
            return all(so(value, one) for one in given)
        case "not":
            return not so(value, given)
        case "if":
            return not so(value, given) or so(value, schema["then"])
        case "items":
            parts = value if isinstance(value, list) else []
            each = given if isinstance(given, list) else [given] * len(parts)
            return all(so(part, one) for part, one in zip(parts, each, strict=False))
        case "properties":
            known = given.keys() & value.keys() if isinstance(value, dict) else ()
            return all(so(value[name], given[name]) for name in known)
        case "additionalProperties":
            others = value.keys() - schema.get("properties", {}).keys() if isinstance(value, dict) else ()
            return all(so(value[name], given) for name in others)
    kind, check = CHECKS[word]
    return not isinstance(value, kind) or check(value, given)
