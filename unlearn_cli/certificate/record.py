"""What a certificate says: request, rows, method, the evidence and what that does not show, files.

No personal data: rows by number and hash, values of columns and names of files and classes not at all.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import numpy as np

from unlearn_cli.certificate.limits import not_shown
from unlearn_cli.certificate.sealed_record import FILES
from unlearn_cli.compare.run_sentences import sentences
from unlearn_cli.config.nested import flat
from unlearn_cli.data.images import ImageData
from unlearn_cli.methods.retrain import Retrain
from unlearn_cli.origins import Origins
from unlearn_cli.storage.environment import OWN
from unlearn_cli.storage.files import read_json
from unlearn_cli.storage.identity import CONTENT, Identity
from unlearn_cli.storage.run_folder import ENVIRONMENT
from unlearn_cli.storage.store import manifest_of

VERSION = 1
"""Of the form of the record."""
AT_ONCE = 256  # images that are hashed together
EVIDENCE = (
    *("metrics", "original", "oracle", "gap", "avg_gap", "floor", "oracles", "hidden", "meanings"),
    *("warnings", "cost", "original_cost", "oracle_cost"),
)
"""Of a run's result: everything but accuracies by class, which tell the classes' names."""
PARTS = ("method", "mask", "surgery", "lora")


def record_of(
    origins: Origins,
    request: Mapping[str, Any],
    result: Mapping[str, Any],
    folder: Path,
    files: Mapping[str, str],
) -> dict[str, Any]:
    """The record, fit for JSON.

    request: what `Selector.answered` says of it. files: SHA-256 by path in the run's folder.
    """
    experiment, data, splits = origins.experiment, origins.data, origins.splits
    forget_set, copies = origins.forget_set, copies_retained(origins)
    evidence = {key: result[key] for key in EVIDENCE if key in result}
    return {
        "certificate": VERSION,
        "made": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "request": dict(request),
        "forgotten": {
            "rows": row_hashes(data, forget_set.rows),
            "fingerprint": forget_set.fingerprint,
            "copies_retained": copies,
        },
        "data": {"name": data.name, "rows": len(data), "fingerprint": data.fingerprint},
        "splits": {
            **{name: len(getattr(splits, name)) for name in ("train", "val", "test")},
            "fingerprint": splits.fingerprint,
        },
        "choices": {group: experiment.choices[group] for group in ("task", "data", "model", *PARTS)},
        "values": {part: experiment.identity.configuration.get(part) for part in PARTS},
        "seeds": result["seeds"],
        "evidence": evidence | {"sentences": [*recognised(result, len(forget_set.rows)), *sentences(result)]},
        "not_shown": not_shown(experiment, evidence, request["rows_asked_for"], len(forget_set.rows), copies),
        "versions": _versions(read_json(folder / ENVIRONMENT)),
        "inputs": _inputs(experiment.identity),
        "models": _models(origins, result),
        FILES: dict(files),
    }


def row_hashes(data: ImageData, rows: np.ndarray) -> dict[str, str]:
    """SHA-256 of each row's image as models are given it: uint8, channels × height × width, by row number."""
    plan = np.array_split(rows, -(-len(rows) // AT_ONCE))
    return {
        str(row): hashlib.sha256(image.contiguous().numpy().tobytes()).hexdigest()
        for part, images in zip(plan, data.pixels(plan), strict=True)
        for row, image in zip(part.tolist(), images.cpu(), strict=True)
    }


def copies_retained(origins: Origins) -> int | None:
    """How many of the forgotten rows have exactly the image of a retained one; None: not looked for."""
    copies, rows = origins.data.copies, origins.forget_set.rows
    if copies is None:
        return None
    retained = np.setdiff1d(origins.splits.train, rows)
    return int(np.isin(copies[rows], copies[retained]).sum())


def recognised(result: Mapping[str, Any], rows: int) -> list[str]:
    """How many of the forgotten rows a classifier still classifies right; nothing of other tasks, nor where
    an evaluation of one's own does not count them."""
    if result["choices"]["task"] != "classification" or "UA" not in result["metrics"]:
        return []

    def right(metrics: Mapping[str, float]) -> int:
        return round(rows * (1 - metrics["UA"] / 100))

    others = {"the original": result["original"], "the oracle": result["oracle"]}
    told = [f"{name} {right(metrics)}" for name, metrics in others.items() if metrics]
    own = f"Of the {rows} forgotten rows this model still classifies {right(result['metrics'])} right"
    return [f"{'; '.join([own, *told])}."]


def _inputs(identity: Identity) -> dict[str, str]:
    """Fingerprint of each file and folder that the configuration names, by its key."""
    values = dict(flat(identity.configuration, "."))
    return {key: str(values[key]).removeprefix(CONTENT) for key in identity.files if key in values}


def _models(origins: Origins, result: Mapping[str, Any]) -> dict[str, Any]:
    """Original and oracles: their entries in the store, and the SHA-256 of each file there."""
    seeds = {one["seed"] for one in result["oracles"] or []} - {result["seed"]}
    others = {f"oracle of seed {seed}": origins.retrained(seed).key(Retrain()) for seed in sorted(seeds)}
    kept = {name: origins.store.root / "model" / key for name, key in {**result["entries"], **others}.items()}
    return {
        name: {"entry": entry.name, FILES: manifest_of(entry)["files"]}
        for name, entry in kept.items()
        if entry.is_dir()  # a ready-made model is not there
    }


def _versions(environment: Mapping[str, Any]) -> dict[str, Any]:
    """Program, libraries and machine, without the machine's name and the command."""
    kept = ("commit", "diff", "python", "platform", "device", "threads", "plugins", "packages")
    return {"unlearn": environment["packages"].get(OWN), **{key: environment.get(key) for key in kept}}
