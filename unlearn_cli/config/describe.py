"""An option's keys as rows for help and documents: what may be given, the default, what it does."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import yaml
from pydantic.fields import FieldInfo

from unlearn_cli.config.catalogue import file_of
from unlearn_cli.config.dormant import SEARCH
from unlearn_cli.config.settings import Settings, kind_of
from unlearn_cli.config.spelling import as_typed

COMMENT = re.compile(r"^(\s*)(?:- )?([\w.]+):[^#]*?(?:\s#\s*(.*))?$")
MANDATORY = "???"
"""The default of a key that has none, as OmegaConf spells it."""
LIMITS = {
    **{"gt": ">", "ge": "≥", "lt": "<", "le": "≤"},
    **{"length": "length", "min_length": "length ≥", "max_length": "length ≤"},
}
"""By the name of a constraint: how it is spelt, before its number."""


@dataclass(frozen=True)
class Key:
    """One key of an option, by its dotted name within the option's group."""

    name: str
    kind: str
    limits: str
    default: str
    description: str


def keys(kind: type[Settings], values: Mapping[str, Any], comments: Mapping[str, str] = {}) -> list[Key]:
    """The keys of a settings class, those of nested settings after their own key's name.

    Args:
        values: of the keys, as composed or as `values_of` a YAML file.
        comments: by dotted key, for fields without a description of their own.
    """
    found = []
    for name, field in kind.model_fields.items():
        value = values[name] if name in values else _default(field)
        if name == SEARCH and isinstance(value, Mapping):
            if value:
                found.append(Key(name, "ranges by name", "", ranges_text(value), field.description or ""))
            continue
        inner = nested(field, value)
        if inner and isinstance(value, Mapping):
            below = {key.removeprefix(f"{name}."): text for key, text in comments.items()}
            rows = keys(inner, value, below)
            found += [Key(f"{name}.{k.name}", k.kind, k.limits, k.default, k.description) for k in rows]
            continue
        description = field.description or comments.get(name, "")
        limits = limited(field.metadata)
        found.append(Key(name, typed(field.annotation), limits, as_typed(value), description))
    return found


def ranges_text(search: Mapping[str, Any]) -> str:
    """`lr × 0.1 to 10, alpha 0.3 to 3 (log), msteps 1 | 2 | 4`."""
    return ", ".join(f"{name} {_range_text(space)}" for name, space in search.items())


def _range_text(space: Any) -> str:
    if isinstance(space, list):
        return " | ".join(map(as_typed, space))
    if times := space.get("times"):
        return f"× {as_typed(times[0])} to {as_typed(times[1])}"
    logarithmic = " (log)" if space.get("log") else ""
    return f"{as_typed(space.get('low'))} to {as_typed(space.get('high'))}{logarithmic}"


def _default(field: FieldInfo) -> Any:
    """Of a key that the YAML leaves out: a class of one's own may have values of its own."""
    if field.is_required():
        return MANDATORY
    value = field.get_default(call_default_factory=True)
    return value.model_dump() if isinstance(value, Settings) else value


def nested(field: FieldInfo, value: Any) -> type[Settings] | None:
    """The settings class of a field that holds further keys."""
    if isinstance(value, Mapping) and "_target_" in value:
        return kind_of(value["_target_"], "")
    union = get_origin(field.annotation) in (Union, UnionType)
    kinds = get_args(field.annotation) if union else (field.annotation,)
    return next((k for k in kinds if isinstance(k, type) and issubclass(k, Settings)), None)


def typed(annotation: Any) -> str:
    """A type in words: `int or null`, `paper | release`, `list of float > 0`."""
    kinds, origin = get_args(annotation), get_origin(annotation)
    if origin is Literal:
        return " | ".join(map(str, kinds))
    if origin in (Union, UnionType):
        return " or ".join(typed(kind) for kind in kinds)
    if origin is Annotated:
        limits = limited([one for part in kinds[1:] for one in getattr(part, "metadata", [part])])
        return with_limits(typed(kinds[0]), limits)
    if origin in (list, tuple):
        return f"list of {typed(kinds[0])}"
    if origin is dict:
        return f"{typed(kinds[1])} by name"
    if annotation is NoneType:
        return "null"
    if isinstance(annotation, type) and issubclass(annotation, Settings):
        return "keys of its own"
    return {str: "text", Any: "any", Path: "path"}.get(annotation) or annotation.__name__.lower()


def limited(constraints: Sequence[Any]) -> str:
    """Constraints of annotated_types in signs; those that only convert say nothing."""
    found = {name: getattr(one, name) for one in constraints for name in LIMITS if hasattr(one, name)}
    if "min_length" in found and found["min_length"] == found.get("max_length"):
        found["length"] = found.pop("min_length")
        del found["max_length"]
    return ", ".join(f"{LIMITS[name]} {value:g}" for name, value in found.items())


def with_limits(kind: str, limits: str, *more: str) -> str:
    """`float > 0`, `list of int > 0 (length 2)`, `float or null (≥ 0, as train.lr)`."""
    if " " not in kind and limits:
        kind, limits = f"{kind} {limits}", ""
    told = ", ".join(filter(None, (limits, *more)))
    return f"{kind} ({told})" if told else kind


def values_of(path: Path) -> dict[str, Any]:
    """What a YAML file sets, with the options of other groups that its defaults list names.

    Left out is what hangs on another choice (`optional …@_here_: ${task}`) or belongs to another group
    (`override …`). Not resolved: a value may be `${seed}`.
    """
    node: dict[str, Any] = yaml.load(path.read_text(encoding="utf-8"), Loader=Yaml) or {}
    found: dict[str, Any] = {}
    entries = node.pop("defaults", [])
    for entry in entries if "_self_" in entries else [*entries, "_self_"]:
        if entry == "_self_":
            merge(found, node)
        elif isinstance(entry, str):
            beside = path.with_name(f"{entry}.yaml")
            ours = file_of(f"{path.parent.name}/{entry}.yaml")
            merge(found, values_of(beside if beside.exists() else ours))
        else:
            ((target, option),) = entry.items()
            group, _, place = target.partition("@")
            if group.startswith("/") and not place.startswith("_global_"):
                below = values_of(file_of(f"{group[1:]}/{option}.yaml"))
                for name in reversed([] if place == "_here_" else place.split(".")):
                    below = {name: below}
                merge(found, below)
    return found


def merge(into: dict[str, Any], other: Mapping[str, Any]) -> None:
    """The other's values over these, level by level."""
    for name, value in other.items():
        if isinstance(value, dict) and isinstance(into.get(name), dict):
            merge(into[name], value)
        else:
            into[name] = value


def comments_of(path: Path) -> dict[str, str]:
    """By dotted key what a YAML file says beside it."""
    found, above = {}, list[tuple[int, str]]()
    for line in path.read_text(encoding="utf-8").splitlines():
        if match := COMMENT.match(line):
            depth, name, text = len(match[1]), match[2], match[3]
            above = [(d, n) for d, n in above if d < depth] + [(depth, name)]
            if text:
                found[".".join(n for _, n in above)] = text.strip()
    return found


class Yaml(yaml.SafeLoader):
    """YAML as OmegaConf reads it: 1e-3 is a number."""


Yaml.add_implicit_resolver(
    "tag:yaml.org,2002:float", re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$"), list("-+0123456789.")
)
