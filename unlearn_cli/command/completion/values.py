"""What may follow `key=`, by the type of its setting."""

import ast
from collections.abc import Mapping
from dataclasses import dataclass

from unlearn_cli.command.completion.situation import Situation
from unlearn_cli.config.annotations import Annotation, Name, fields

EXPERIMENT = Annotation("unlearn_cli.experiment", ast.Name("Experiment"))
PATHS = ("Path", "DirectoryPath", "FilePath")
LISTS = ("list", "tuple")
MANDATORY = "???"


@dataclass(frozen=True)
class Values:
    """Of a key."""

    words: tuple[str, ...] = ()
    of_list: tuple[str, ...] = ()
    """What its list may hold."""
    is_path: bool = False


def values(key: str, situation: Situation) -> Values:
    """The values of a dotted key; numbers and free text are represented by the one it has."""
    found, now = _type(key, situation), situation.value(key)
    parts = found.parts() if found else []
    words = [word for part in parts for word in _words(part)]
    elements = [word for part in parts if part.name in LISTS for word in _elements(part)]
    is_path = key.endswith(".path") or any(part.name in PATHS for part in parts)
    if isinstance(now, bool) and not words:
        words = ["true", "false"]
    is_text = isinstance(now, str) and now != MANDATORY and "${" not in now
    if not words and not is_path and (is_text or isinstance(now, int | float)):
        words = [str(now)]
    return Values(tuple(words), tuple(elements), is_path)


def _type(key: str, situation: Situation) -> Annotation | None:
    """The annotation of the key's field, in the class that `_target_` names or another's field does."""
    found: Annotation | None = EXPERIMENT
    above = ""
    for name in key.split("."):
        node = situation.value(above)
        if isinstance(node, Mapping) and "_target_" in node:
            module, _, kind = str(node["_target_"]).rpartition(".")
            found = Annotation(module, ast.Name(kind))
        found = found and _below(found, name)
        above = f"{above}.{name}".lstrip(".")
    return found


def _below(outer: Annotation, name: str) -> Annotation | None:
    for part in outer.parts():
        if part.name == "dict":
            return part.arguments()[-1]
        if found := fields(Name(part.module, part.name)).get(name):
            return found
    return None


def _words(part: Annotation) -> list[str]:
    if part.name == "Literal":
        return [_typed(one.constant) for one in part.arguments()]
    if part.name == "bool":
        return ["true", "false"]
    return ["null"] if part.constant is None else []


def _elements(part: Annotation) -> list[str]:
    return [word for one in part.arguments()[:1] for inner in one.parts() for word in _words(inner)]


def _typed(constant: object) -> str:
    if constant is None or isinstance(constant, bool):
        return {None: "null", True: "true", False: "false"}[constant]
    return str(constant)
