"""The numbers of a model: those of `eval=`, of attacks on rows, and of the metrics that `metric=` adds."""

from pathlib import Path
from typing import Any

from torch import nn

from unlearn_cli import attacking
from unlearn_cli.config.dormant import ATTACKS
from unlearn_cli.errors import RunError
from unlearn_cli.evaluation.meaning import MEANINGS
from unlearn_cli.methods.original import Original
from unlearn_cli.methods.references import Origin
from unlearn_cli.origins import Origins
from unlearn_cli.storage.files import read_json, write_json

Outputs = dict[str, Any]


def measured(origins: Origins, model: nn.Module, outputs: Outputs, folder: Path) -> dict[str, float]:
    """All metrics of a model, by name."""
    values = _evaluated(origins, model, outputs, folder) | attacking.attacked(origins, outputs, folder)
    return values | {name: _own(name, origins, model, outputs, folder) for name in origins.experiment.metric}


def measured_once(origins: Origins, origin: Origin) -> dict[str, float]:
    """An origin's metrics for this run's forget set, kept in the store."""
    values = attacking.attacked_once(origins, origin)
    for (kind, facts), name in zip(
        _own_entries(origins, origin.key, origin.seed), (None, *origins.experiment.metric), strict=True
    ):

        def make(folder: Path, name: str | None = name) -> None:
            outputs = origins.outputs(origin)
            if name is None:
                found = _evaluated(origins, origin.model, outputs, folder)
            else:
                found = {name: _own(name, origins, origin.model, outputs, folder)}
            if origins.compute.is_main:
                write_json(folder / "metrics.json", found)

        values |= read_json(origins.store.get(kind, facts, make) / "metrics.json")
    return values


def entries(origins: Origins, key: str, seed: int) -> list[tuple[str, dict[str, Any]]]:
    """Kind and facts of the store's entries with the metrics of the model of that key.

    Args:
        seed: of its training; it is judged with the run's seed and beside the run's original all the same.
    """
    attacked = attacking.entry(origins, key)
    return [*_own_entries(origins, key, seed), *([attacked] if attacked else [])]


def _own_entries(origins: Origins, key: str, seed: int) -> list[tuple[str, dict[str, Any]]]:
    """Those of the evaluation, then of each metric of one's own."""
    experiment, seeds = origins.experiment, origins.experiment.seeds
    evaluation, config = experiment.eval, experiment.identity.configuration["eval"]
    not_facts = {*evaluation.display_keys, "seed", "attacks", *ATTACKS}
    config = {name: value for name, value in config.items() if name not in not_facts}
    outputs: dict[str, Any] = {"model": key, "forget": origins.sets.fingerprint} | origins.judged_on
    outputs |= evaluation.output_facts(origins)
    if {seeds.train, seeds.eval} != {seed}:
        outputs["judged"] = {"seed": seeds.eval, "original": origins.key(Original())}
    return [
        ("metrics", outputs | {"eval": config} | evaluation.metric_facts()),
        *(("metric", outputs | {"metric": metric.facts()}) for metric in experiment.metric.values()),
    ]


def _evaluated(origins: Origins, model: nn.Module, outputs: Outputs, folder: Path) -> dict[str, float]:
    """The metrics of `eval=`. RunError if one has no meaning, which an evaluation of one's own may forget."""
    experiment = origins.experiment
    values: dict[str, float] = experiment.eval.metrics(origins, model, outputs, folder)
    if unexplained := values.keys() - MEANINGS.keys() - experiment.meanings.keys():
        raise RunError(
            f"eval: {', '.join(sorted(unexplained))} has no Meaning; "
            f"{type(experiment.eval).__name__}.meanings has to give one"
        )
    return values


def _own(name: str, origins: Origins, model: nn.Module, outputs: Outputs, folder: Path) -> float:
    metric = origins.experiment.metric[name]
    value = metric.measure(origins, model, outputs, folder)
    try:
        return float(value)
    except (TypeError, ValueError) as error:
        kind = type(metric).__name__
        raise RunError(f"metric.{name}: {kind}.measure gives {value!r}; it has to return a number") from error
