"""JSON Schemas of the YAML files: one for each group, one for what sets keys of a whole run."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from unlearn_cli.command.chosen import EVERY_GROUP
from unlearn_cli.command.json_schema import Schema, class_schema, object_of
from unlearn_cli.command.option_class import settings_class
from unlearn_cli.config.catalogue import PLUGINS, conf_folder, options
from unlearn_cli.config.describe import values_of
from unlearn_cli.config.dormant import ATTACKS
from unlearn_cli.config.run_keys import Oracles
from unlearn_cli.experiment import GROUPS, Experiment

DRAFT = "http://json-schema.org/draft-07/schema#"
RUN = "config"
WHOLE_RUNS = ("experiment", "recipe")
"""Groups whose files set keys of a whole run."""
NAMES: Schema = {"type": "array", "items": {"type": "string"}}
INSIDE: dict[str, dict[str, Schema]] = {
    "forget": {"lower": {"$ref": "lower.json"}},
    "eval": {
        "attacks": {"anyOf": [{"type": "object", "additionalProperties": {"$ref": "attack.json"}}, NAMES]},
        **{name: {"$ref": "membership.json"} for name in ATTACKS},
    },
}
"""Keys of a group whose values are options of another."""
OF_ONES_OWN = ("choices", "config")
"""Fields of a run that no YAML sets."""


def schemas() -> dict[str, Schema]:
    """By file name without ending. They refer to one another: `method.json` from `config.json`."""
    found = {file_name(group): _group(group) for group in EVERY_GROUP if group not in WHOLE_RUNS}
    found["task"] = _or_whole_run(found["task"])
    return {name: {"$schema": DRAFT, **schema} for name, schema in {**found, RUN: _run()}.items()}


def file_name(group: str) -> str:
    return RUN if group in WHOLE_RUNS else group.replace("/", "_")


def places() -> dict[str, list[str]]:
    """By schema the files that it is for, as a glob: those of conf/ and of the plug-ins in use."""
    folders = [conf_folder(), *PLUGINS]
    found: dict[str, list[str]] = {RUN: [f"{_near(conf_folder())}/config.yaml"]}
    for folder in folders:
        for group in (*EVERY_GROUP, "recipe"):
            if (folder / group).is_dir():
                found.setdefault(file_name(group), []).append(f"{_near(folder)}/{group}/**/*.yaml")
    return found


def _near(folder: Path) -> str:
    here = Path.cwd()
    return (folder.relative_to(here) if folder.is_relative_to(here) else folder).as_posix()


def _group(group: str) -> Schema:
    """A file's keys are those of the class that it names; where it names none, those of any of the group."""
    told_by = "where" if group == "hydra/launcher" else "_target_"
    classes = dict(_classes(group, told_by))
    if not classes:  # metrics, where no plug-in has one
        return {"type": "object"}
    any_of_them = object_of(_together(classes))
    if [*classes] == [""]:
        return any_of_them
    cases = [
        {
            "if": {"properties": {told_by: {"const": name}}, "required": [told_by]},
            "then": {"$ref": f"#/definitions/{name}"},
        }
        for name in classes
    ]
    unnamed = {"if": {"not": {"required": [told_by]}}, "then": {"$ref": "#/definitions/any"}}
    return {
        "type": "object",
        "properties": {told_by: any_of_them["properties"][told_by] | {"examples": [*classes]}},
        "allOf": [*cases, unnamed],
        "definitions": {**classes, "any": any_of_them},
    }


def _classes(group: str, told_by: str) -> Iterator[tuple[str, Schema]]:
    """The schemas of a group's classes, by what a file says to have the class."""
    for option in options(group):
        values = values_of(option.path)
        values = values.get("task", values) if group == "task" else values
        if kind := settings_class(group, values):
            properties = class_schema(kind)["properties"]
            properties = {name: INSIDE.get(group, {}).get(name, one) for name, one in properties.items()}
            yield values.get(told_by, ""), object_of({told_by: {"type": "string"}, **properties})


def _together(classes: dict[str, Schema]) -> dict[str, Schema]:
    """The keys of all classes; one that several have may be what it is in any of them."""
    found: dict[str, list[Any]] = {}
    for schema in classes.values():
        for name, one in schema["properties"].items():
            if one not in found.setdefault(name, []):
                found[name].append(one)
    return {name: every[0] if len(every) == 1 else {"anyOf": every} for name, every in found.items()}


def _or_whole_run(schema: Schema) -> Schema:
    """Most tasks choose for the whole run, and hold their own keys under `task`."""
    *cases, unnamed = schema["allOf"]
    either = {"anyOf": [unnamed["then"], {"$ref": f"{RUN}.json"}]}
    return schema | {"allOf": [*cases, unnamed | {"then": either}]}


def _run() -> Schema:
    properties = dict(class_schema(Experiment)["properties"])
    for name in OF_ONES_OWN:
        del properties[name]
    oracles = class_schema(Oracles)
    properties["oracle"] = {"anyOf": [oracles, oracles["properties"]["compare"]]}  # or in short
    parts = {group: {"$ref": f"{file_name(group)}.json"} for group in (*GROUPS, "train")}
    return object_of({**properties, **parts, "hydra": {"type": "object"}})
