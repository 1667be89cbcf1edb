"""Run folders as `unlearn` leaves them, with numbers that can be checked by hand."""

import json
from pathlib import Path
from typing import Any

import yaml

from unlearn_cli.evaluation.gaps import avg_gap

ORACLE = {"UA": 5.0, "RA": 100.0, "TA": 94.0, "MIA": 13.0}
ORIGINAL = {"UA": 0.0, "RA": 100.0, "TA": 95.0, "MIA": 1.0}
SENTENCE = "The model is destroyed: RA is 10.0 %."


def made(
    outputs: Path,
    method: str = "ga",
    seed: int = 0,
    metrics: dict[str, Any] | None = None,
    oracle: dict[str, float] | None = ORACLE,
    choices: dict[str, str] | None = None,
    config: dict[str, Any] | None = None,
    state: str = "finished",
    **result: Any,
) -> Path:
    """A run folder; `config` changes dotted keys, `result` keys of metrics.json.

    The metrics are the oracle's unless given, so that all gaps are 0.
    """
    chosen = {"task": "classification", "data": "digits", "model": "resnet20", "forget": "random"}
    chosen |= {"method": method, "mask": "none"} | (choices or {})
    settings = configuration(method, seed)
    for key, value in (config or {}).items():
        node = settings
        *above, last = key.split(".")
        for name in above:
            node = node.setdefault(name, {})
        node[last] = value
    own = (oracle or ORACLE) | (metrics or {})
    gap = {name: abs(own[name] - oracle[name]) for name in own if name in oracle} if oracle else None
    record = {
        "method": method,
        "seed": seed,
        "choices": chosen,
        "metrics": own,
        "original": ORIGINAL,
        "oracle": oracle,
        "gap": gap,
        "avg_gap": avg_gap(gap) if gap else None,
        "warnings": [],
        "cost": {"seconds": 10.0 + seed, "samples": 450},
        "original_cost": {"seconds": 100.0},
        "oracle_cost": {"seconds": 90.0} if oracle else None,
        "expected": None,
        "source": None,
    } | result
    changed = "-".join(str(value) for value in [*(config or {}).values(), *(choices or {}).values()])
    folder = outputs / f"{method}-s{seed}{'-' * bool(changed)}{changed}"
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(yaml.safe_dump(settings))
    (folder / "status.json").write_text(json.dumps({"state": state, "reason": None}))
    if state == "finished":
        (folder / "metrics.json").write_text(json.dumps(record))
    return folder


def configuration(method: str, seed: int) -> dict[str, Any]:
    return {
        "task": {"_target_": "Task"},
        "data": {"_target_": "Data", "split_seed": 0},
        "model": {"_target_": "Model", "depth": 20},
        "forget": {"_target_": "Random", "fraction": 0.1, "seed": seed},
        "method": {"_target_": f"methods.{method}", "lr": 0.1, "epochs": 5},
        "mask": {"_target_": "NoMask"},
        "seed": seed,
        "device": "auto",
        "paths": {"outputs": "outputs"},
        "expected": None,
    }


def with_gap(avg_gap: float) -> dict[str, float]:
    """Metrics whose Avg Gap to ORACLE is that."""
    return {"UA": ORACLE["UA"] + 4 * avg_gap}
