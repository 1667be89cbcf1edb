"""A model's numbers: those of `eval=`, of attacks on rows, of what is hidden, and of `metric=`."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from unlearn_cli import attacking
from unlearn_cli.errors import RunError
from unlearn_cli.evaluation.hidden.base import Inspection, Record, Subject
from unlearn_cli.evaluation.meaning import MEANINGS
from unlearn_cli.methods.original import Original
from unlearn_cli.methods.references import Origin, References
from unlearn_cli.origins import Origins
from unlearn_cli.seed_pool import klom_of_method, klom_of_reference
from unlearn_cli.storage.files import read_json, write_json

Outputs = dict[str, Any]
Measure = Callable[[Origins, nn.Module, Outputs, Path], dict[str, float]]
RECORDS = "hidden"
"""Folder of what inspections have found beside their metrics."""


def measured(origins: Origins, model: nn.Module, outputs: Outputs, folder: Path) -> dict[str, float]:
    """All metrics of a model, by name."""
    values = attacking.attacked(origins, outputs, folder) | klom_of_method(origins)
    for measure in _measures(origins):
        values |= measure(origins, model, outputs, folder)
    return values


def measured_once(origins: Origins, origin: Origin) -> dict[str, float]:
    """An origin's metrics for this run's forget set, kept in the store."""
    values = attacking.attacked_once(origins, origin) | klom_of_reference(origins, origin)
    for (kind, facts), measure in zip(
        _own_entries(origins, origin.key, origin.seed), _measures(origins), strict=True
    ):

        def make(folder: Path, measure: Measure = measure) -> None:
            found = measure(origins, origin.model, origins.outputs(origin), folder)
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
    apart = {"attacks": [*evaluation.membership], "hidden": [one.name for one in evaluation.inspections]}
    not_facts = {*evaluation.display_keys, "seed", "klom"}
    not_facts |= {name for switch, parts in apart.items() if parts for name in (switch, *parts)}
    config = {name: value for name, value in config.items() if name not in not_facts}
    outputs: dict[str, Any] = {"model": key, "forget": origins.sets.fingerprint} | origins.judged_on
    outputs |= evaluation.output_facts(origins) | origins.plugins("eval")
    if {seeds.train, seeds.eval} != {seed}:
        outputs["judged"] = {"seed": seeds.eval, "original": origins.key(Original())}
    return [
        ("metrics", outputs | {"eval": config} | evaluation.metric_facts()),
        *(("inspection", outputs | {"inspection": one.facts(origins)}) for one in evaluation.inspections),
        *(("metric", outputs | {"metric": metric.facts()}) for metric in experiment.metric.values()),
    ]


def records(origins: Origins, references: References, folder: Path) -> dict[str, dict[str, Record]]:
    """What each inspection has recorded of each model ("original", the method's, "oracle"), by its name.

    folder: of the run, whose model and references have been measured.
    """
    experiment, models = origins.experiment, dict[str, Path | Origin]()
    models["original"] = references.original
    models[experiment.choices["method"]] = references.of(experiment.method) or folder
    if references.oracle:
        models["oracle"] = references.oracle
    return {
        one.name: {
            name: read_json(_folder_of(origins, number, model) / RECORDS / f"{one.name}.json")
            for name, model in models.items()
        }
        for number, one in enumerate(experiment.eval.inspections)
    }


def _folder_of(origins: Origins, number: int, model: Path | Origin) -> Path:
    """Where the inspection of that number has left its record."""
    if isinstance(model, Path):
        return model
    kind, facts = entries(origins, model.key, model.seed)[1 + number]
    found = origins.store.find(kind, facts)
    assert found
    return found


def _measures(origins: Origins) -> list[Measure]:
    """One for each of `entries`, in their order."""
    experiment = origins.experiment
    return [
        _evaluated,
        *(partial(_inspected, one) for one in experiment.eval.inspections),
        *(partial(_own, name) for name in experiment.metric),
    ]


def _inspected(
    inspection: Inspection, origins: Origins, model: nn.Module, outputs: Outputs, folder: Path
) -> dict[str, float]:
    """Its metrics; its record goes into `folder`."""
    found = inspection.inspect(Subject(origins, model, outputs["logits"], folder))
    if origins.compute.is_main:
        write_json(folder / RECORDS / f"{inspection.name}.json", found.record)
    return found.metrics


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


def _own(name: str, origins: Origins, model: nn.Module, outputs: Outputs, folder: Path) -> dict[str, float]:
    metric = origins.experiment.metric[name]
    value = metric.measure(origins, model, outputs, folder)
    try:
        return {name: float(value)}
    except (TypeError, ValueError) as error:
        kind = type(metric).__name__
        raise RunError(f"metric.{name}: {kind}.measure gives {value!r}; it has to return a number") from error
