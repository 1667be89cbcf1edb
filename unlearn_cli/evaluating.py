"""A model's numbers by `eval=`; an origin's for a forget set are kept in the store."""

from pathlib import Path
from typing import Any

from torch import nn

from unlearn_cli.errors import RunError
from unlearn_cli.evaluation.base import Outputs
from unlearn_cli.evaluation.meaning import MEANINGS
from unlearn_cli.methods.original import Original
from unlearn_cli.methods.references import Origin
from unlearn_cli.origins import Origins
from unlearn_cli.storage.files import read_json, write_json

METRICS = "metrics.json"


def evaluated(origins: Origins, model: nn.Module, outputs: Outputs, folder: Path) -> dict[str, float]:
    """The metrics of `eval=`. RunError if one has no meaning, which an evaluation of one's own may forget."""
    experiment = origins.experiment
    values: dict[str, float] = experiment.eval.metrics(origins, model, outputs, folder)
    if unexplained := values.keys() - MEANINGS.keys() - experiment.meanings.keys():
        raise RunError(
            f"eval: {', '.join(sorted(unexplained))} has no Meaning; "
            f"{type(experiment.eval).__name__}.meanings has to give one"
        )
    return values


def evaluated_once(origins: Origins, origin: Origin) -> dict[str, float]:
    """An origin's, kept in the store."""

    def make(folder: Path) -> None:
        found = evaluated(origins, origin.model, origins.outputs(origin), folder)
        if origins.compute.is_main:
            write_json(folder / METRICS, found)

    return read_json(origins.store.get(*entry(origins, origin.key, origin.seed), make) / METRICS)


def entry(origins: Origins, key: str, seed: int) -> tuple[str, dict[str, Any]]:
    """Kind and facts of the store's entry with the metrics of the model of that key and seed."""
    evaluation = origins.experiment.eval
    config = origins.experiment.identity.configuration["eval"]
    apart = {"attacks": [*evaluation.membership], "hidden": [one.name for one in evaluation.inspections]}
    not_facts = {*evaluation.display_keys, "seed", "klom"}
    not_facts |= {name for switch, parts in apart.items() if parts for name in (switch, *parts)}
    config = {name: value for name, value in config.items() if name not in not_facts}
    return "metrics", outputs_facts(origins, key, seed) | {"eval": config} | evaluation.metric_facts()


def outputs_facts(origins: Origins, key: str, seed: int) -> dict[str, Any]:
    """What whatever is measured of that model's outputs follows from, but for what is measured."""
    seeds = origins.experiment.seeds
    facts: dict[str, Any] = {"model": key, "forget": origins.sets.fingerprint} | origins.judged_on
    facts |= origins.experiment.eval.output_facts(origins) | origins.plugins("eval")
    if {seeds.train, seeds.eval} != {seed}:
        facts["judged"] = {"seed": seeds.eval, "original": origins.key(Original())}
    return facts
