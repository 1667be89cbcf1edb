"""One run, top to bottom: the story that DESIGN calls the spine."""

import copy
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from omegaconf import DictConfig
from torch import nn

from unlearn_cli.compare import table
from unlearn_cli.config.hashing import key_of
from unlearn_cli.errors import RunError
from unlearn_cli.evaluation.gaps import compared
from unlearn_cli.experiment import Experiment, read
from unlearn_cli.methods.base import GradientMethod
from unlearn_cli.methods.original import Original
from unlearn_cli.methods.retrain import Retrain
from unlearn_cli.models.checkpoint import load_into, save_model
from unlearn_cli.models.delta import DELTA, load_delta, save_delta
from unlearn_cli.origins import Origin, Origins, glances, logged
from unlearn_cli.runtime.compute import Compute
from unlearn_cli.runtime.stopping import stop_signals
from unlearn_cli.storage.files import read_json, write_json
from unlearn_cli.storage.run_folder import RunFolder
from unlearn_cli.storage.store import Store
from unlearn_cli.tasks.verbs.base import WritesDelta
from unlearn_cli.tracking import Tracker
from unlearn_cli.training.cost import peak_memory_mb
from unlearn_cli.training.optim import Recipe

log = logging.getLogger("unlearn")

RECORD = "unlearn.resume.json"


def run(config: DictConfig, choices: dict[str, str]) -> dict[str, Any]:
    """Do what the configuration says, or answer from the folder of a run that has done it.

    Returns:
        The result as in metrics.json: metrics of method, original and oracle, gaps, costs, warnings.

    Raises:
        InputError: wrong input. RunError: the run failed. Preempted: asked to stop, resumable.
    """
    experiment = read(config, choices)
    folder = RunFolder(experiment.folder, experiment.config)
    if result := folder.result():
        log.info("already finished: %s", folder.path)
        return result

    compute = Compute(experiment.device, experiment.precision, experiment.channels_last, experiment.compile)
    folder.is_main = compute.is_main
    origins = Origins.of(experiment, compute, Store(experiment.paths.store, compute))
    # what does not fit is told before anything is written
    experiment.forget.check(origins)
    blank, rehearsal = origins.build(), origins.rehearsal()
    experiment.mask.check(experiment.task, blank)
    experiment.method.check(experiment.task, blank, origins.data, rehearsal.sets)
    experiment.eval.check(rehearsal, blank)
    experiment.surgery.check(compute.precision)
    recipe = experiment.method if isinstance(experiment.method, GradientMethod) else None
    experiment.lora.check(experiment.task, blank, recipe, experiment.choices["mask"] != "none")
    if isinstance(experiment.method, Recipe):
        experiment.method.trained(blank, "method.parameters")
    del blank  # a ready-made one takes as much memory as the original

    with folder.running(), stop_signals():
        if result := compute.broadcast(folder.result()):
            log.info("finished by another process: %s", folder.path)
            return result
        if compute.is_main:
            origins.forget_set.save(folder.path)
        original = origins.get(Original())
        wanted = experiment.has_oracle or isinstance(experiment.method, Retrain)
        oracle = origins.get(Retrain()) if wanted else None
        key = key_of({"folder": str(folder.path.absolute())})  # a resumed run continues its own
        with origins.track(key, experiment.method.job, folder.path) as tracker:
            model, record = unlearned(experiment, folder, origins, original, oracle, tracker)
            result = judged(experiment, folder, origins, original, oracle, model, record, tracker)
        forget_set = origins.forget_set
        result["forget"] = {
            "kind": forget_set.kind,
            "count": len(forget_set.rows),
            "facts": forget_set.facts,
            "found": forget_set.found,
        }
        if compute.is_main:
            table.write(result, folder.path / "table.md")
        folder.finish(result, origins.store.seconds)
    return result


def unlearned(
    experiment: Experiment,
    folder: RunFolder,
    origins: Origins,
    original: Origin,
    oracle: Origin | None,
    tracker: Tracker,
) -> tuple[nn.Module, dict[str, Any]]:
    """The method's model and the record of its making (cost, history), from the run folder if it is there."""
    method, task, sets = experiment.method, experiment.task, origins.sets
    rows = method.rows(origins) if isinstance(method, Original) else sets.train
    facts = origins.facts(rows) | {"forget": sets.fingerprint, "method": experiment.config["method"]}
    facts |= {"forgotten": origins.forget_set.facts}
    as_delta = isinstance(task, WritesDelta)
    if origin := origin_of(method, original, oracle):
        record = {"cost": dict(origin.cost), "history": origin.history}
        if origins.compute.is_main:
            keep(folder, origin.model, original.model if as_delta else None, facts, record)
        return origin.model, record

    record_file = folder.path / RECORD
    model = copy.deepcopy(original.model)
    if record_file.exists():
        log.info("resumed: the model is unlearned already")
        model = method.restored(model, folder.path)
        if as_delta:
            return load_delta(model, folder.path / DELTA, facts), read_json(record_file)
        return load_into(model, folder.path, facts), read_json(record_file)

    is_forget = sets.is_forget(len(origins.data))
    anchors = sets.anchor_labels(origins.data.labels)
    observe = partial(logged, tracker)
    trainer = origins.trainer(
        folder.path, is_forget, anchors=anchors, observe=observe, derived_once=origins.derived_from_original
    )
    trainer.mask, trainer.surgery = origins.mask(trainer), experiment.surgery.build()
    glance = glances(task, trainer, {"forget": sets.forget, "val": sets.val})
    watch = experiment.eval.watch(origins, folder.path, tracker)

    def monitor(model: nn.Module, epoch: int) -> dict[str, float]:
        watch(model, epoch)
        return glance(model, epoch)

    trainer.monitor = monitor
    log.info(
        "unlearning %d of %d samples: %s", len(sets.forget), len(sets.train), experiment.choices["method"]
    )
    experiment.lora.attach(model, experiment.seed)
    with trainer.cost.clock(trainer.device), enough_memory():
        model = method.unlearn(task, model, sets, trainer)
        experiment.lora.merge(model)
    cost = (
        trainer.cost.to_dict()
        | trainer.seconds_outside_clock
        | {"peak_memory_mb": peak_memory_mb(trainer.device)}
    )
    if trainer.mask:
        cost["mask_seconds"] = trainer.mask.seconds
    record = {"cost": cost, "history": trainer.history}
    if trainer.is_main:
        keep(folder, model, original.model if as_delta else None, facts, record)
    return model, record


@contextmanager
def enough_memory() -> Iterator[None]:
    """Tell in a line what helps where the device's memory is exhausted."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise RunError(
            "out of memory while unlearning: halve method.batch_size (and mask.batch_size), set "
            "model.gradient_checkpointing=true for a ready model, or train a part of it alone "
            "(method.parameters=multi_modal_projector); another batch size is another run"
        ) from error


def origin_of(method: Any, original: Origin, oracle: Origin | None) -> Origin | None:
    """The model from the store that the method stands for, if it is one of the two."""
    if isinstance(method, Retrain):
        return oracle
    return original if isinstance(method, Original) else None


def keep(
    folder: RunFolder,
    model: nn.Module,
    original: nn.Module | None,
    facts: dict[str, Any],
    record: dict[str, Any],
) -> None:
    """Write the model, or what differs from the original if that is given, and how it came about.

    The record comes last, as the sign that all is there.
    """
    if original:
        save_delta(folder.path / DELTA, model, original, facts)
        record["cost"]["delta_mb"] = (folder.path / DELTA).stat().st_size / 2**20
    else:
        save_model(folder.path, model, facts)
    write_json(folder.path / "history.json", record["history"])
    write_json(folder.path / RECORD, record)


def judged(
    experiment: Experiment,
    folder: RunFolder,
    origins: Origins,
    original: Origin,
    oracle: Origin | None,
    model: nn.Module,
    record: dict[str, Any],
    tracker: Tracker,
) -> dict[str, Any]:
    """Evaluate the method's model beside the original and the oracle; draw and track what was found."""
    evaluation, name, main = experiment.eval, experiment.choices["method"], origins.compute.is_main
    log.info("evaluating")
    outputs = {"original": origins.outputs(original)}
    if origin := origin_of(experiment.method, original, oracle):
        outputs[name], metrics = origins.outputs(origin), origins.metrics(origin)
    else:
        outputs[name] = evaluation.outputs(origins, model, folder.path)
        metrics = evaluation.metrics(origins, model, outputs[name], folder.path)
    if oracle:
        outputs["oracle"] = origins.outputs(oracle)
        metrics |= evaluation.versus(origins, outputs[name], outputs["oracle"])
    result = {
        "method": name,
        "seed": experiment.seed,
        "choices": experiment.choices,
        **compared(
            metrics,
            origins.metrics(original),
            origins.metrics(oracle) if oracle else None,
            len(origins.data.classes),
        ),
        "per_class": {model: evaluation.per_class(origins, out) for model, out in outputs.items()},
        "cost": record["cost"],
        "original_cost": original.cost,
        "oracle_cost": oracle.cost if oracle else None,
        **experiment.paper,
        "folder": str(folder.path),
    }
    tracker.summary({key: result[key] for key in ("metrics", "gap", "avg_gap", "cost")})
    if main:
        evaluation.keep(origins, outputs[name], folder.path)
        history = original.history + [row for row in record["history"] if row["stage"] != "original"]
        figures = evaluation.figures(origins, history, outputs, folder.path / "figures")
        tracker.predictions(evaluation.samples(origins, outputs))
        for figure in [*figures, *origins.forget_set.figures]:
            tracker.figure(figure.stem, figure)
    return result
