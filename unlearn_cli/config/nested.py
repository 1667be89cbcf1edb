"""Nested mappings as flat ones."""

from collections.abc import Iterator, Mapping
from typing import Any


def flat(node: Mapping[str, Any], separator: str, above: str = "") -> Iterator[tuple[str, Any]]:
    """The leaves of nested mappings by the names on the way to them, for example `method.lr`."""
    for name, value in node.items():
        if isinstance(value, Mapping):
            yield from flat(value, separator, f"{above}{name}{separator}")
        else:
            yield f"{above}{name}", value


def nested(values: Mapping[str, Any]) -> dict[str, Any]:
    """The other way: values by dotted key as nested mappings."""
    found: dict[str, Any] = {}
    for key, value in values.items():
        *above, last = key.split(".")
        node = found
        for name in above:
            node = node.setdefault(name, {})
        node[last] = value
    return found


def counted(node: Mapping[str, Any]) -> dict[str, Any]:
    """The leaves by dotted key; a list also by its length, `forget.domains.count`."""
    leaves = dict(flat(node, "."))
    lengths = {f"{key}.count": len(value) for key, value in leaves.items() if isinstance(value, list)}
    return leaves | lengths
