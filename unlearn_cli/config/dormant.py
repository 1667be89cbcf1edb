"""Keys that change nothing as long as what they belong to is off: no run is another one for them."""

from typing import Any

SEARCH = "search"
"""The key with ranges, in a method's values and in a mask's."""
AS_EVER = {"judged_on": "test", "tuning": None}
AS_EVER_IN: dict[str, dict[str, Any]] = {
    "method": {"select": "last", "stop_at": None},
    "forget": {"rows": None},
    "model": {
        "weights": None,
        "trained_on": "train",
        "input": {"mean": None, "std": None, "resize": "auto", "crop": None, "interpolation": "bilinear"},
    },
}
"""Keys by group that earlier versions had not, as ever: a method trains as long as it is told to and ends
with what it has come to; rows are named in a file; the original is trained here."""
OFF = {
    "label_smoothing": 0.0,
    "lookahead": None,
    "nesterov": False,
    "bias_lr_factor": 1.0,
    "crop_fill": "zeros",
}
"""The same of keys that stand in recipes and data, at whatever depth."""
SEARCHED = ("method", "mask")
"""Groups with ranges."""
ATTACKS = ("ulira", "rmia", "iam")
"""Nodes under `eval` with the values of the attacks that `eval.attacks` names."""
INSPECTIONS = ("relearn", "quantise", "prune", "probe", "cka", "distance")
"""Those of the inspections that `eval.hidden` names."""
SWITCHES = {"attacks": ATTACKS, "hidden": INSPECTIONS}
"""Lists under `eval`, and the nodes beside them that they switch on by naming them, or by `all`."""


def awake(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration without keys that no number depends on: the values of what is not switched on.

    What earlier versions had no key for stands there where it is not as ever; ranges of `unlearn tune` never.
    """
    config = {key: value for key, value in without_off(config).items() if AS_EVER.get(key, config) != value}
    for group, ever in AS_EVER_IN.items():
        if isinstance(node := config.get(group), dict):
            config[group] = {key: value for key, value in node.items() if ever.get(key, node) != value}
    for group in SEARCHED:
        if isinstance(node := config.get(group), dict):
            config[group] = {key: value for key, value in node.items() if key != SEARCH}
    evaluation = config.get("eval")
    found = dict(evaluation) if isinstance(evaluation, dict) else {}
    for switch, parts in SWITCHES.items():
        if (on := switched_on(found, switch)) is None:
            continue
        off = {part for part in parts if part not in on} | ({switch} if not on else set())
        found = {key: value for key, value in found.items() if key not in off}
        if on:
            found[switch] = on
    if not found.get("klom"):
        found.pop("klom", None)
    kept = config | ({"eval": found} if found else {})
    off = set() if switched_on(found, "attacks") else {"shadows"}
    return {key: value for key, value in kept.items() if key not in off}


def without_off(node: Any) -> Any:
    """Values, or facts, without the keys that are off and that earlier versions had not."""
    if isinstance(node, dict):
        return {key: without_off(value) for key, value in node.items() if OFF.get(key, node) != value}
    return [without_off(value) for value in node] if isinstance(node, list) else node


def switched_on(evaluation: dict[str, Any], switch: str) -> list[str] | None:
    """The sorted names that the switch holds; None where there is no such switch.

    A text-to-image model's `attacks` are of another kind, a vision-language model's `relearn` has no switch.
    """
    names = evaluation.get(switch)
    if names == "all":
        return sorted(SWITCHES[switch])
    return sorted(set(map(str, names))) if isinstance(names, list) else None
