"""What runs are told apart by: config keys (dotted) and the options chosen (`method=salun`)."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

from unlearn_cli.compare.records import Run
from unlearn_cli.config.nested import counted, flat
from unlearn_cli.config.variants import determining, unseeded
from unlearn_cli.errors import InputError, did_you_mean

BASE = ("task", "data", "model", "forget")
"""The choices that name a setting, in this order."""
METHOD = ("method", "mask", "surgery", "lora", "tuning")
"""What is compared; everything else is the setting."""
TUNED_VALUES = "tuning.values"

Keys = dict[str, Any]
"""Values by dotted key; `method`, `mask` and other groups without a dot are the options chosen."""


def all_keys(run: Run) -> Keys:
    """Every key that a run can be picked by; of a list also its length, `forget.domains.count`."""
    return chosen(run) | counted(run.config)


def chosen(run: Run) -> Keys:
    """The options chosen, by the config node that they fill: `method`, and below a node `forget.lower`."""
    found = {}
    for choice, option in run.result["choices"].items():
        group, _, node = choice.partition("@")
        if "/" not in group and (not node or node.endswith(f".{group}")):
            found[node or group] = option
    return found


def base_keys(run: Run) -> Keys:
    """The choices that name its setting."""
    return {group: run.result["choices"].get(group) for group in BASE}


def variant_keys(run: Run) -> Keys:
    """Method and mask with everything under them but the seeds."""
    choices, config = run.result["choices"], unseeded(dict(run.config))
    values = flat({group: config[group] for group in METHOD if group in config}, ".")
    chosen = {key: value for key, value in values if not key.startswith(TUNED_VALUES)}  # method's own tell
    return {group: choices.get(group) for group in METHOD} | chosen


def setting_keys(run: Run) -> Keys:
    """Everything outside of method and mask but the seeds: methods are compared where it is equal."""
    nested = {node: option for node, option in chosen(run).items() if "." in node}
    return (
        base_keys(run)
        | {node: option for node, option in nested.items() if node.partition(".")[0] not in METHOD}
        | dict(flat(_without(unseeded(dict(run.config)), METHOD), "."))
    )


def seeds(run: Run, without: Sequence[str] = ()) -> Keys:
    """The seeds that lie outside of method, mask and these groups."""
    keys = flat(_without(determining(dict(run.config)), (*METHOD, *without)), ".")
    return {key: value for key, value in keys if key.rpartition(".")[2] == "seed"}


def circumstances(run: Run, without: Sequence[str] = ()) -> str:
    """Everything outside of method and mask, seeds included: what a pair of runs has in common."""
    keys = base_keys(run) | dict(flat(_without(determining(dict(run.config)), METHOD), "."))
    return token({key: value for key, value in keys.items() if key not in without})


def origin(run: Run, without: Sequence[str] = ()) -> str:
    """Equal for runs of one original and one forget set, whatever seeds method, evaluation and shadows have.

    These are what comparisons pair, and what they count: several runs of one original are not independent.
    """
    return circumstances(run, (*without, "eval.seed", "shadows.seed"))


def identity(run: Run) -> str:
    """Equal for runs whose numbers are equal but for the machine's."""
    return token([run.result["method"], determining(dict(run.config))])


def token(value: Any) -> str:
    """A value as text by which equal ones are found."""
    return json.dumps(value, sort_keys=True, default=str)


def differing(items: Sequence[Keys]) -> list[str]:
    """The keys in which the items differ, in their order; enough of them to tell all items apart.

    Keys below a choice that differs, keys that only some items have, and class names are used only where the
    others do not suffice.
    """
    keys = list(dict.fromkeys(key for item in items for key in item))
    shared = [
        key
        for key in keys
        if not key.endswith("_target_") and len({token(i[key]) for i in items if key in i}) > 1
    ]
    choices = [key for key in shared if not any(key.startswith(f"{other}.") for other in shared)]
    for enough in (choices, shared):
        if len({token([item.get(key) for key in enough]) for item in items}) == len(items):
            return enough
    return [key for key in keys if len({token([key in item, item.get(key)]) for item in items}) > 1]


def as_overrides(keys: Mapping[str, Any]) -> str:
    """`mask.fraction=0.3 method.lr=0.01`, as on the command line."""
    return " ".join(f"{key}={value_text(value)}" for key, value in keys.items())


def value_text(value: Any) -> str:
    """A value as the command line has it."""
    return value if isinstance(value, str) else json.dumps(value, default=str)


def where(runs: Sequence[Run], conditions: Iterable[str]) -> list[Run]:
    """The runs that meet every `KEY=VALUE` (or `KEY=VALUE,VALUE`: one of them).

    Raises:
        InputError: no such key, or no run has such a value.
    """
    known = [(run, all_keys(run)) for run in runs]
    chosen = known
    for condition in conditions:
        key, equals, text = condition.partition("=")
        if not equals:
            raise InputError(f"--where {condition}: no value; give KEY=VALUE")
        check(runs, [key], "--where")
        wanted = {_comparable(value) for value in _values(text, condition)}
        chosen = [(run, keys) for run, keys in chosen if key in keys and _comparable(keys[key]) in wanted]
        if not chosen:
            present = {value_text(keys[key]) for _, keys in known if key in keys}
            raise InputError(f"--where {condition}: no run is left; {did_you_mean(text, present)}")
    return [run for run, _ in chosen]


def check(runs: Iterable[Run], keys: Iterable[str], flag: str) -> None:
    """Refuse a key that no run has."""
    known = {known for run in runs for known in all_keys(run)}
    for key in keys:
        if key not in known:
            raise InputError(f"{flag} {key}: no run has this key; {did_you_mean(key, known)}")


def _values(text: str, condition: str) -> list[Any]:
    try:
        return list(yaml.safe_load(f"[{text}]"))
    except yaml.YAMLError as error:
        raise InputError(f"--where {condition}: cannot read the value; give KEY=VALUE or KEY=A,B") from error


def _comparable(value: Any) -> str:
    """Equal for 0.001 and '1e-3': YAML takes the latter for text."""
    if isinstance(value, str):
        try:
            return token(float(value))
        except ValueError:
            return token(value)
    return token(float(value)) if isinstance(value, int) and not isinstance(value, bool) else token(value)


def _without(config: Mapping[str, Any], groups: Iterable[str]) -> dict[str, Any]:
    return {key: value for key, value in config.items() if key not in groups}
