"""One run, top to bottom."""

import logging
from typing import Any

from omegaconf import DictConfig

from unlearn_cli import shadows, validating
from unlearn_cli.certificate import certificate
from unlearn_cli.compare import table
from unlearn_cli.config.tuned_for import told, tuned_for
from unlearn_cli.experiment import check_model, read
from unlearn_cli.judging import judged
from unlearn_cli.methods.base import GradientMethod
from unlearn_cli.models.finite import check_finite
from unlearn_cli.origins import Origins
from unlearn_cli.runtime.stopping import stop_signals
from unlearn_cli.small_steps import decide_threads
from unlearn_cli.storage.fingerprint import looked_at_once
from unlearn_cli.storage.identity_file import Kept
from unlearn_cli.storage.run_folder import RunFolder
from unlearn_cli.storage.store import Store
from unlearn_cli.tracking.final import track_references
from unlearn_cli.tracking.lineage import tell_lineage
from unlearn_cli.tracking.run_info import run_id
from unlearn_cli.training.optim import Recipe
from unlearn_cli.unlearning import unlearned

log = logging.getLogger("unlearn")


@looked_at_once()
def run(config: DictConfig, choices: dict[str, str], again: bool = False) -> dict[str, Any]:
    """Do what the configuration says, or answer from the folder of a run that has done it.

    Args:
        again: do it in any case; what the folder holds is removed.

    Returns:
        The result as in metrics.json: metrics of method, original and oracle, gaps, costs, warnings.

    Raises:
        InputError: wrong input. RunError: the run failed. Preempted: asked to stop, resumable.
    """
    experiment = read(config, choices)
    folder = RunFolder(experiment.folder, experiment.config, kept=Kept(experiment.identity, choices))
    if (result := folder.answer()) and not again:
        log.info("already finished: %s", folder.path)
        if experiment.tracking.destination:
            log.info("its result is as it was; to track it: unlearn track %s", folder.path)
        return result

    compute = experiment.compute()
    folder.is_main = compute.is_main
    origins = Origins.of(experiment, compute, Store(experiment.paths.store, compute))
    check(origins)  # what does not fit is told before anything is written
    decide_threads(origins)
    if elsewhere := tuned_for(experiment.config, experiment.choices):
        log.warning("tuned: these values were tuned for %s", told(elsewhere))

    with stop_signals(), folder.running(again):
        if result := compute.broadcast(folder.result()):
            log.info("finished by another process: %s", folder.path)
            return result
        if not experiment.eval.judge_made(origins):
            experiment.eval.make_judge(origins)  # what fails there fails before the models are trained
        if compute.is_main:
            origins.forget_set.save(folder.path)
        references = origins.references()
        with origins.track(run_id(folder.path), experiment.method.job, folder.path) as tracker:
            model, record = unlearned(origins, references, folder.path, tracker)
            result = judged(origins, references, model, record, folder.path, tracker)
            tell_lineage(tracker, folder.path, result, experiment.paths.store)
        if compute.is_main:
            track_references(experiment.tracking, experiment.described, result, experiment.paths.outputs)
            table.write(result, folder.path / "table.md")
        folder.keep(result)
        if compute.is_main:
            certificate.write(origins, result, folder)
        folder.finish(origins.store.seconds)
    return result


def check(origins: Origins) -> None:
    """Whether the choices fit each other, the data and the model. InputError if they do not."""
    experiment = origins.experiment
    task, method, choices = experiment.task, experiment.method, experiment.choices
    experiment.forget.check(origins)
    blank, rehearsal = origins.start(), origins.rehearsal()
    check_model(experiment, blank)
    if experiment.model.comes_trained:
        check_finite(blank, "model.weights" if experiment.model.learnt_rows else "model")
    recipe = method if isinstance(method, GradientMethod) else None
    experiment.mask.check(task, blank, recipe)
    method.check(task, blank, origins.data, rehearsal.sets)
    experiment.eval.check_rows(rehearsal)
    experiment.eval.check(rehearsal, blank)
    shadows.check(rehearsal)
    validating.check(rehearsal, blank)
    for measure in (*experiment.eval.inspections, *experiment.metric.values()):
        measure.check(rehearsal, blank)
    experiment.surgery.check(origins.compute.precision)
    experiment.lora.check(task.name, blank, recipe, choices["mask"] != "none")
    if isinstance(method, Recipe):
        method.trained_names(blank, "method.parameters")
