"""From the original model to the method's: made once, kept in the run folder and found there again."""

import copy
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import nn

from unlearn_cli.errors import RunError
from unlearn_cli.methods.original import Original
from unlearn_cli.methods.references import References
from unlearn_cli.models.run_model import RunModel
from unlearn_cli.origins import Origins
from unlearn_cli.storage.identity import by_content
from unlearn_cli.tasks.monitor import glances
from unlearn_cli.tasks.verbs.base import WritesDelta
from unlearn_cli.tracking import Tracker
from unlearn_cli.training.cost import peak_memory_mb
from unlearn_cli.training.trainer import Trainer
from unlearn_cli.validating import Validation, validation_of

log = logging.getLogger("unlearn")


def unlearned(
    origins: Origins, references: References, folder: Path, tracker: Tracker
) -> tuple[nn.Module, dict[str, Any]]:
    """The method's model and the record of its making (cost, history), from the run folder if it is there."""
    experiment, original = origins.experiment, references.original
    whole = not isinstance(experiment.task, WritesDelta)
    kept = RunModel(folder, None if whole else original.model, _facts(origins))
    if origin := references.of(experiment.method):
        model, record = origin.model, {"cost": dict(origin.cost), "history": origin.history}
    elif found := origins.compute.main_first(kept.record):
        log.info("resumed: the model is unlearned already")
        return kept.read(experiment.method.restored(copy.deepcopy(original.model), folder)), found
    else:
        validation = validation_of(origins, references, folder)
        model, record = made(origins, copy.deepcopy(original.model), folder, tracker, validation)
    if origins.compute.is_main:
        experiment.model.write_back(model, folder)
        kept.write(model, record)
    return model, record


def _facts(origins: Origins) -> dict[str, Any]:
    """What determines the method's model."""
    method, sets = origins.experiment.method, origins.sets
    facts = origins.facts_of(method if isinstance(method, Original) else Original())
    return facts | {
        "forget": sets.fingerprint,
        "method": origins.experiment.identity.configuration["method"],
        "forgotten": by_content(origins.forget_set.facts),
    }


def made(
    origins: Origins,
    model: nn.Module,
    folder: Path,
    tracker: Tracker,
    validation: Validation | None = None,
) -> tuple[nn.Module, dict[str, Any]]:
    """The method applied to a copy of the original, which it may change, and what that cost.

    validation: how the run looks at validation rows after each epoch, if it does.
    """
    experiment, sets = origins.experiment, origins.sets
    trainer = _trainer(origins, folder, tracker, validation)
    count, method = f"{len(sets.forget)} of {len(sets.train)}", experiment.choices["method"]
    log.info("unlearning %s samples: %s", count, method)
    experiment.lora.attach(model, experiment.seeds.method)
    with trainer.cost.clock(trainer.device), _enough_memory():
        model = experiment.method.unlearn(experiment.task, model, sets, trainer)
        experiment.lora.merge(model)
    cost = trainer.cost.to_dict() | trainer.seconds_outside_clock
    cost["peak_memory_mb"] = peak_memory_mb(trainer.device)
    if trainer.mask:
        cost["mask_seconds"] = trainer.mask.seconds
    record: dict[str, Any] = {"cost": cost, "history": trainer.history}
    if validation:
        record["validation"] = validation.record(trainer.history)
        cost["epochs"] = record["validation"]["epochs"]
    return model, record


def _trainer(origins: Origins, folder: Path, tracker: Tracker, validation: Validation | None) -> Trainer:
    """The run's trainer, with its mask and surgery, told and watched after each epoch."""
    experiment, sets = origins.experiment, origins.sets
    trainer = origins.trainer(
        folder,
        sets.is_forget(len(origins.data)),
        stage="method",
        anchors=sets.anchor_labels(origins.data.labels),
        observe=tracker.epoch,
        derived_once=origins.derived_from_original,
    )
    trainer.mask, trainer.surgery = origins.mask(trainer), experiment.surgery.build()
    glance = glances(experiment.task, trainer, {"forget": sets.forget, "val": sets.val})
    watch = experiment.eval.watch(origins, folder, tracker)

    def monitor(model: nn.Module, epoch: int) -> dict[str, float]:
        watch(model, epoch)
        return glance(model, epoch) | (validation.look(model, epoch) if validation else {})

    trainer.monitor = monitor
    if validation:
        trainer.rank = validation.rank if validation.objective else None
        trainer.enough = validation.enough
    return trainer


@contextmanager
def _enough_memory() -> Iterator[None]:
    """Tell in a line what helps where the device's memory is exhausted."""
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise RunError(
            "out of memory while unlearning: halve method.batch_size (and mask.batch_size), set "
            "model.gradient_checkpointing=true for a ready model, or train a part of it alone "
            "(method.parameters=multi_modal_projector); another batch size is another run"
        ) from error
