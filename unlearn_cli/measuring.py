"""A model's numbers: those of `eval=`, of attacks on rows, of what is hidden, and of `metric=`."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from torch import nn

from unlearn_cli import attacking
from unlearn_cli.errors import RunError
from unlearn_cli.evaluating import METRICS, entry, evaluated, evaluated_once, outputs_facts
from unlearn_cli.evaluation.hidden.base import Inspection, Record, Subject
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
    for measure in (evaluated, *_other_measures(origins)):
        values |= measure(origins, model, outputs, folder)
    return values


def measured_once(origins: Origins, origin: Origin) -> dict[str, float]:
    """An origin's metrics for this run's forget set, kept in the store."""
    values = attacking.attacked_once(origins, origin) | klom_of_reference(origins, origin)
    values |= evaluated_once(origins, origin)
    for (kind, facts), measure in zip(
        _others(origins, origin.key, origin.seed), _other_measures(origins), strict=True
    ):

        def make(folder: Path, measure: Measure = measure) -> None:
            found = measure(origins, origin.model, origins.outputs(origin), folder)
            if origins.compute.is_main:
                write_json(folder / METRICS, found)

        values |= read_json(origins.store.get(kind, facts, make) / METRICS)
    return values


def entries(origins: Origins, key: str, seed: int) -> list[tuple[str, dict[str, Any]]]:
    """Kind and facts of the store's entries with the metrics of the model of that key.

    Args:
        seed: of its training; it is judged with the run's seed and beside the run's original all the same.
    """
    attacked = attacking.entry(origins, key)
    own = [entry(origins, key, seed), *_others(origins, key, seed)]
    return [*own, *([attacked] if attacked else [])]


def _others(origins: Origins, key: str, seed: int) -> list[tuple[str, dict[str, Any]]]:
    """Those of each inspection, then of each metric of one's own."""
    experiment, outputs = origins.experiment, outputs_facts(origins, key, seed)
    return [
        *(
            ("inspection", outputs | {"inspection": one.facts(origins)})
            for one in experiment.eval.inspections
        ),
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


def _other_measures(origins: Origins) -> list[Measure]:
    """One for each of `_others`, in their order."""
    experiment = origins.experiment
    return [
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


def _own(name: str, origins: Origins, model: nn.Module, outputs: Outputs, folder: Path) -> dict[str, float]:
    metric = origins.experiment.metric[name]
    value = metric.measure(origins, model, outputs, folder)
    try:
        return {name: float(value)}
    except (TypeError, ValueError) as error:
        kind = type(metric).__name__
        raise RunError(f"metric.{name}: {kind}.measure gives {value!r}; it has to return a number") from error
