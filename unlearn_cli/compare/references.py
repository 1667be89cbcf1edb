"""Oracles and originals: what every run carries along, as runs of their own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from unlearn_cli.compare.groups import Group
from unlearn_cli.compare.keys import circumstances, setting_keys, token
from unlearn_cli.compare.records import Run
from unlearn_cli.evaluation.gaps import to_oracle

RETRAIN, ORACLE, ORIGINAL = "retrain", "oracle", "original"
REFERENCES = {RETRAIN: ORACLE, ORIGINAL: ORIGINAL}
"""Methods whose numbers every run carries along: how tables name them, and under which key of its result."""


@dataclass(frozen=True)
class Oracle:
    """One retrained model; `rows` is equal for those that never saw the same rows, None where not told."""

    identity: str
    rows: str | None
    run: Run


def references(runs: Sequence[Run]) -> list[Group]:
    """Oracles and originals of these runs, each once, whether or not they were run themselves."""
    found = {RETRAIN: [oracle.run for oracle in all_oracles(runs)], ORIGINAL: _originals(runs)}
    return [
        Group(name, {"method": method}, found[method]) for method, name in REFERENCES.items() if found[method]
    ]


def all_oracles(runs: Sequence[Run]) -> list[Oracle]:
    """The oracles that these runs were told of, each once, as the one says that knows most of it.

    Its own run comes first, then one of its seed, then one that tells of it as a further oracle.
    """
    told = [oracle for run in _own_first(runs, RETRAIN) for oracle in oracles_of(run)]
    known: dict[str, Oracle] = {}
    for oracle in sorted(told, key=lambda oracle: not oracle.run.result["cost"]):
        known.setdefault(oracle.identity, oracle)
    return list(known.values())


def oracles_of(run: Run) -> list[Oracle]:
    """The oracles that a run was told of, its own first; none of a run without.

    Older records tell neither the forgotten rows nor oracles of further seeds.
    """
    if not run.result["oracle"] and run.result["method"] != RETRAIN:
        return []
    own, *others = run.result.get("oracles") or [{"seed": run.result["seed"]}]
    fingerprint = run.result.get("forget", {}).get("fingerprint")
    rows = token([setting_keys(run), fingerprint]) if isinstance(fingerprint, str) else None
    first = run if run.result["method"] == RETRAIN else _reference(run, RETRAIN, run.result["oracle"])
    found = [(own["seed"], first)]
    for other in others:
        found.append((other["seed"], _reference(run, RETRAIN, other["metrics"], seed=other["seed"])))
    return [Oracle(token([rows or circumstances(run), seed]), rows, reference) for seed, reference in found]


def _originals(runs: Sequence[Run]) -> list[Run]:
    known: dict[str, Run] = {}
    for run in _own_first(runs, ORIGINAL):
        if run.result["method"] == ORIGINAL:
            known.setdefault(circumstances(run), run)
        elif run.result[ORIGINAL] is not None:
            known.setdefault(circumstances(run), _reference(run, ORIGINAL, run.result[ORIGINAL]))
    return list(known.values())


def _own_first(runs: Sequence[Run], method: str) -> list[Run]:
    return sorted(runs, key=lambda run: run.result["method"] != method)


def _reference(run: Run, method: str, metrics: Mapping[str, float], seed: int | None = None) -> Run:
    """A model that a run tells of, as a run of its own; a further oracle has a seed and no known cost.

    The oracle of an oracle's seed is itself: its gaps are 0, whichever run tells of it.
    """
    result = run.result
    own: dict[str, Any] = {
        "method": method,
        "seed": result["seed"] if seed is None else seed,
        "choices": {**result["choices"], "method": method, "mask": "none", "surgery": "none", "lora": "none"},
        "metrics": metrics,
        "cost": (result[f"{REFERENCES[method]}_cost"] or {}) if seed is None else {},
        **to_oracle(metrics, metrics if method == RETRAIN else result["oracle"]),
        "warnings": [],
        "expected": None,
        "source": None,
    }
    return replace(run, config=run.config if seed is None else _seeded(run, seed), result={**result, **own})


def _seeded(run: Run, seed: int) -> dict[str, Any]:
    """The run's configuration with another seed of training."""
    return {**run.config, "seed": seed, "train": {**(run.config.get("train") or {}), "seed": seed}}
