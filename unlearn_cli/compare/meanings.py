"""What the metrics of finished runs mean: unlearn's own, and those that a plug-in's record brings along."""

from collections.abc import Iterable, Mapping
from typing import Any

from unlearn_cli.compare.records import Run
from unlearn_cli.errors import InputError
from unlearn_cli.evaluation.meaning import MEANINGS, Meaning


def meanings_of(result: Mapping[str, Any]) -> dict[str, Meaning]:
    """By metric, of one run's metrics.json (older ones hold no meanings)."""
    return MEANINGS | {key: Meaning(**parts) for key, parts in result.get("meanings", {}).items()}


def own_meanings(runs: Iterable[Run]) -> dict[str, Meaning]:
    """Those of the runs' plug-ins, by metric; of several texts the last run's.

    Raises:
        InputError: two runs disagree on a metric's unit or direction.
    """
    found: dict[str, tuple[Meaning, Run]] = {}
    for run in runs:
        for key in run.result.get("meanings", {}):
            meaning = meanings_of(run.result)[key]
            other, where = found.get(key, (meaning, run))
            if (meaning.unit, meaning.better) != (other.unit, other.better):
                raise InputError(
                    f"metric '{key}': '{other.label}' in {where.folder}, '{meaning.label}' in {run.folder}; "
                    "compare them apart (--where), or make one again"
                )
            found[key] = meaning, run
    return {key: meaning for key, (meaning, _) in found.items()}


def score(run: Run, key: str, meaning: Meaning) -> float | None:
    """What a run is ranked by, the lower the better: its distance to the oracle where that is the aim."""
    if meaning.better == "oracle":
        return run.gap.get(key)
    value = run.values.get(key)
    return -value if value is not None and meaning.better == "higher" else value


def meanings_in(runs: Iterable[Run]) -> dict[str, Meaning]:
    """Of every metric that these runs may have."""
    return MEANINGS | own_meanings(runs)
