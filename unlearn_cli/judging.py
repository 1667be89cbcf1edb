"""The method's model beside the original and the oracle: measured, drawn, tracked."""

import logging
from dataclasses import asdict
from pathlib import Path
from typing import Any

from torch import nn

from unlearn_cli import attacking
from unlearn_cli.config.tuned_for import tuned_for
from unlearn_cli.evaluation.base import Outputs
from unlearn_cli.evaluation.floor import floor
from unlearn_cli.evaluation.gaps import compared
from unlearn_cli.loading import own_model
from unlearn_cli.measuring import measured, measured_once, records
from unlearn_cli.methods.references import References
from unlearn_cli.origins import Origins
from unlearn_cli.tracking import Tracker
from unlearn_cli.tracking.final import tell
from unlearn_cli.validating import drawn

log = logging.getLogger("unlearn")


def judged(
    origins: Origins,
    references: References,
    model: nn.Module,
    record: dict[str, Any],
    folder: Path,
    tracker: Tracker,
) -> dict[str, Any]:
    """Evaluate the method's model; the result as in metrics.json, its figures and tables in `folder`."""
    log.info("evaluating")
    experiment, evaluation, forget_set = origins.experiment, origins.experiment.eval, origins.forget_set
    original, oracle, name = references.original, references.oracle, experiment.choices["method"]
    outputs, metrics = _measured(origins, references, model, folder)
    oracles = {one.seed: measured_once(origins, one) for one in origins.oracles()} if oracle else {}
    before = measured_once(origins, original)
    hidden = records(origins, references, folder) if origins.compute.is_main else {}
    elsewhere = tuned_for(experiment.config, experiment.choices)
    result = {
        "method": name,
        "seed": experiment.seeds.train,
        "seeds": asdict(experiment.seeds),
        "choices": experiment.choices,
        "precision": origins.compute.precision,
        **compared(
            metrics,
            before,
            oracles.get(experiment.seeds.train),
            len(origins.data.classes),
        ),
        "oracles": [{"seed": seed, "metrics": values} for seed, values in oracles.items()] or None,
        "floor": floor([*oracles.values()]),
        **({"hidden": hidden} if hidden else {}),
        "meanings": {key: asdict(meaning) for key, meaning in experiment.meanings.items()},
        "per_class": {model: evaluation.per_class(origins, out) for model, out in outputs.items()},
        **({"tuned_for": elsewhere} if elsewhere else {}),
        **({"validation": record["validation"]} if "validation" in record else {}),
        "cost": record["cost"],
        "original_cost": original.cost,
        "oracle_cost": oracle.cost if oracle else None,
        **experiment.paper,
        **own_model(experiment, origins.data, origins.splits),
        "folder": str(folder),
        "entries": {key: one.key for key in ("original", "oracle") if (one := getattr(references, key))},
        "forget": {
            "kind": forget_set.kind,
            "count": len(forget_set.rows),
            "fingerprint": forget_set.fingerprint,
            "facts": forget_set.facts,
            "found": forget_set.found,
        },
    }
    tell(tracker, result)
    roc = attacking.account(origins, references, folder)
    if origins.compute.is_main:
        evaluation.keep(origins, outputs[name], folder)
        history = original.history + [row for row in record["history"] if row["stage"] != "original"]
        figures = evaluation.figures(origins, history, outputs, folder / "figures")
        about = evaluation.about(origins)
        if "validation" in record:
            figures.append(drawn(origins, record, folder / "figures" / "validation.png"))
        for one in evaluation.inspections:
            figures += one.figures(hidden[one.name], folder / "figures", about)
        tracker.predictions(evaluation.samples(origins, outputs))
        for figure in [*figures, *roc, *forget_set.figures]:
            tracker.figure(figure.stem, figure)
    return result


def _measured(
    origins: Origins, references: References, model: nn.Module, folder: Path
) -> tuple[dict[str, Outputs], dict[str, float]]:
    """The outputs by model ("original", the method's, "oracle" if there is one), and the method's metrics."""
    experiment, evaluation = origins.experiment, origins.experiment.eval
    name = experiment.choices["method"]
    outputs = {"original": origins.outputs(references.original)}
    if origin := references.of(experiment.method):
        outputs[name], metrics = origins.outputs(origin), measured_once(origins, origin)
    else:
        outputs[name] = evaluation.outputs(origins, model, folder)
        metrics = measured(origins, model, outputs[name], folder)
    if references.oracle:
        outputs["oracle"] = origins.outputs(references.oracle)
        metrics |= evaluation.versus(origins, outputs[name], outputs["oracle"])
    return outputs, metrics
