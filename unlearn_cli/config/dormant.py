"""Keys that change nothing as long as what they belong to is off: no run is another one for them."""

from typing import Any

ATTACKS = ("ulira", "rmia", "iam")
"""Nodes under `eval` with the values of the attacks that `eval.attacks` names."""


def awake(config: dict[str, Any]) -> dict[str, Any]:
    """The configuration without keys that no number depends on: what serves attacks that are not made.

    `judged_on` stands there where it is not as ever, as earlier versions had no such key.
    """
    if config.get("judged_on") == "test":
        config = {key: value for key, value in config.items() if key != "judged_on"}
    evaluation = config.get("eval") or {}
    made = evaluation.get("attacks")
    if not isinstance(made, list):  # a text-to-image model's are attacks of another kind
        return {key: value for key, value in config.items() if key != "shadows"}
    off = {name for name in ATTACKS if name not in made} | (set() if made else {"attacks"})
    found = {key: value for key, value in evaluation.items() if key not in off}
    if made:
        return config | {"eval": found | {"attacks": sorted(set(made))}}
    return {key: value for key, value in config.items() if key != "shadows"} | {"eval": found}
