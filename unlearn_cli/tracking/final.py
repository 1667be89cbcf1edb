"""What a finished run tells a tracker: its final numbers, its original and oracle as runs of their own."""

import logging
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from statistics import fmean
from typing import Any

from unlearn_cli.config.hashing import key_of
from unlearn_cli.evaluation.gaps import to_oracle
from unlearn_cli.evaluation.spread import by_metric, deviation
from unlearn_cli.tracking.run_info import Described, reference_info
from unlearn_cli.tracking.session import tracked
from unlearn_cli.tracking.tracker import RunInfo, Tracker

logger = logging.getLogger("unlearn")

REFERENCES = {"original": "original", "oracle": "retrain"}
"""Under which keys of a result (metrics.json) the models stand that a method is compared with, and the method
that is one of them."""


def tell(tracker: Tracker, result: Mapping[str, Any]) -> None:
    """The final numbers of a run, with those beside which they are to be seen.

    `metrics/…`, `gap/…`, `avg_gap`, `cost/…`; of the same seed `original/…`, `oracle/…`; where there are
    several oracles `oracle_mean/…`, `oracle_sd/…`, `oracle_count` and `floor/…`, the gap between two of them.
    """
    parts = ("metrics", "gap", "avg_gap", "cost", *REFERENCES, "floor")
    found = {part: result[part] for part in parts if result.get(part) is not None}
    oracles = [oracle["metrics"] for oracle in result.get("oracles") or ()]
    if len(oracles) > 1:
        values = by_metric(oracles)
        found["oracle_mean"] = {key: fmean(each) for key, each in values.items()}
        spread = {key: deviation(each) for key, each in values.items()}
        found["oracle_sd"] = {key: own for key, own in spread.items() if own is not None}
        found["oracle_count"] = len(oracles)
    tracker.course(result["original"] or {}, result["metrics"])
    tracker.summary(found)
    if by_class := result.get("per_class"):
        classes = dict.fromkeys(name for model in by_class.values() for name in model)
        tracker.table("per_class", [{"class": name} | _of(by_class, name) for name in classes])


def _of(by_class: Mapping[str, Mapping[str, float]], name: str) -> dict[str, float]:
    return {model: values[name] for model, values in by_class.items() if name in values}


def made_first(folder: Path) -> bool:
    """Make the folder; whether no other process has."""
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        return False
    except OSError as error:
        logger.warning("W&B: %s: %s; what it is for is not tracked", folder, error.strerror)
        return False
    return True


def track_references(
    settings: Any,
    run: Callable[[], Described],
    result: Mapping[str, Any],
    outputs: Path,
    first: Callable[[Path], bool] = made_first,
) -> None:
    """Tell of the original and the oracle that a run was compared with, each once for a project.

    Args:
        outputs: the folder of all runs; W&B's files of what they share lie below it.
        first: whether the one with this folder there is yet to be told of.
    """
    if settings.destination is None:
        return
    for method, info, found in references(run(), result):
        folder = outputs / "tracking" / key_of({"run": info.id, "in": settings.destination})
        if first(folder) and method != result["method"]:  # else the run itself is the reference
            with tracked(settings, info, folder) as tracker:
                tell(tracker, found)


def references(
    run: Described, result: Mapping[str, Any]
) -> Iterator[tuple[str | None, RunInfo, dict[str, Any]]]:
    """The models that a run was compared with, oracles of further seeds among them: the method that is one
    (None: that one is of another seed), its run, and its result."""
    for key, method in REFERENCES.items():
        if result[key] is not None:
            cost = result[f"{key}_cost"] or {}
            yield method, reference_info(run, key), _as_result(result, result[key], cost)
    for oracle in result.get("oracles") or ():
        if oracle["seed"] != result["seed"]:
            info = reference_info(run.retrained(oracle["seed"]), "oracle")
            yield None, info, _as_result(result, oracle["metrics"], {})


def _as_result(
    result: Mapping[str, Any], metrics: Mapping[str, float], cost: Mapping[str, float]
) -> dict[str, Any]:
    """What a run says of its original or of an oracle, as if that had been run itself."""
    own = {"metrics": metrics, **to_oracle(metrics, result["oracle"]), "cost": cost}
    own["original"] = metrics  # so that its course is flat
    return own | {key: result.get(key) for key in ("oracle", "oracles", "floor")}
