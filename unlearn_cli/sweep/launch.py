"""A sweep from its composed runs to its end."""

import logging
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from unlearn_cli.config.settings import Settings, checked
from unlearn_cli.config.texts import with_texts
from unlearn_cli.errors import InputError
from unlearn_cli.experiment import Experiment, read
from unlearn_cli.runtime.process import is_main_process
from unlearn_cli.storage.fingerprint import looked_at_once
from unlearn_cli.storage.run_folder import RunFolder
from unlearn_cli.sweep import here, processes, slurm
from unlearn_cli.sweep.cluster import Submission, submission_lock
from unlearn_cli.sweep.end import finish
from unlearn_cli.sweep.follow import follow
from unlearn_cli.sweep.plan import Plan, look_up, plan
from unlearn_cli.sweep.plan_table import show_plan
from unlearn_cli.sweep.queue import queue
from unlearn_cli.sweep.record import Item, Record, number_of_runs
from unlearn_cli.sweep.settings import Here, Jobs, Processes, Slurm
from unlearn_cli.tracking.given import GROUP, for_several_runs

log = logging.getLogger("unlearn")

PLACES: dict[str, type[Settings]] = {"here": Here, "processes": Processes, "slurm": Slurm}

End = Callable[[Path, Record], None]
Composed = Sequence[tuple[list[str], DictConfig, dict[str, str]]]
"""Overrides, configuration and choices of each run."""


def launch(
    where: str,
    settings: Mapping[str, Any],
    composed: Composed,
    planning: bool,
    again: bool = False,
    end: End = finish,
) -> list[Path]:
    """Do the sweep, or (planning) say what it would do; the folders of its runs.

    again: make the finished runs, too. end: called with the sweep's folder and record once all are over.

    Raises:
        InputError: a run of it, or the launcher's settings, cannot be right; nothing was begun.
        RunError: some runs failed; the others are finished.
    """
    place = checked(PLACES[where], dict(settings), "hydra.launcher")
    with looked_at_once():
        found = plan(
            [
                (name, _read(name, with_texts(config, overrides), choices))
                for name, (overrides, config, choices) in zip(names(composed), composed, strict=True)
            ],
            again,
        )
    if planning:
        _looked_up(found, isinstance(place, Jobs) and place.gpus_per_node > 0)
        show_plan(found, before=isinstance(place, Jobs))
        return []
    for run in found.runs:  # a tracker shows the runs of a sweep together
        tracking = run.experiment.config["tracking"]
        if tracking.get("group", "") is None and GROUP not in os.environ:
            tracking["group"] = found.name
    if len(found.runs) > 1 and (id := for_several_runs()):
        log.warning("WANDB_RUN_ID=%s names one run, these are %d: each has its own id", id, len(found.runs))
    log.info("sweep %s: %s, %d to do", found.name, number_of_runs(len(found.runs)), len(found.to_do))
    if len(found.to_do) < len(found.runs) and found.runs[0].experiment.tracking.destination:
        log.info("finished runs are not tracked again; to track them: unlearn track %s", found.folder)
    if isinstance(place, Slurm):
        _on_slurm(found, place, end)
    elif isinstance(place, Processes):
        _make_room(found)
        end(found.folder, processes.run_all(_looked_up(found, place.gpus_per_node > 0), place))
    else:
        record = Record(found.name, sys.argv, [_item(run.overrides, run.folder) for run in found.runs], [])
        if is_main_process():
            record.save(found.folder)
        here.run_all(found)
        end(found.folder, record)
    return [run.folder for run in found.runs]


def names(composed: Composed) -> list[str]:
    """Each run by the overrides that not all runs have; by all of them where there is one run."""
    everywhere = set.intersection(*(set(overrides) for overrides, *_ in composed))
    if len(composed) == 1:
        everywhere = set()
    told = [" ".join(o for o in overrides if o not in everywhere) for overrides, *_ in composed]
    return [name.replace("@_global_", "") for name in told]  # the package of an experiment within another


def _on_slurm(found: Plan, place: Slurm, end: End) -> None:
    slurm.check(place)
    _warn(found, place)
    with submission_lock(found):
        waiting = slurm.waiting()  # before the store: what leaves the queue now is found there
        _make_room(found)
        submission = Submission(_looked_up(found, place.gpus_per_node > 0), place, waiting)
        slurm.submit(submission, place, found.folder)
        record = submission.record()
        record.save(found.folder)
    jobs = sum(item.job is not None for item in record.prerequisites + record.runs)
    log.info("%d jobs; to see how it goes: unlearn status %s", jobs, found.folder)
    if place.wait:
        follow(record, queue)
        end(found.folder, record)


def _looked_up(found: Plan, on_gpu: bool) -> Plan:
    with looked_at_once():
        look_up(found, on_gpu)
    return found


def _make_room(found: Plan) -> None:
    """Jobs find finished runs finished; those that are to be made again are not."""
    if found.again:
        for run in found.runs:
            RunFolder(run.folder, run.experiment.config).make_room()


def _warn(found: Plan, place: Jobs) -> None:
    """A time limit under the checkpoint interval leaves a killed job nothing to resume from."""
    minutes = max(run.experiment.checkpoint_minutes for run in found.runs)
    if place.timeout_min - place.signal_delay_s / 60 <= minutes:
        log.warning(
            "hydra.launcher.timeout_min: jobs are stopped after %d min less %d s, but checkpoints are "
            "written every %g min, so a job that is killed without a signal begins anew; "
            "set checkpoint_minutes lower",
            place.timeout_min,
            place.signal_delay_s,
            minutes,
        )


def _item(overrides: str, folder: Any) -> Item:
    return Item(overrides, str(folder.absolute()))


def _read(name: str, config: DictConfig, choices: dict[str, str]) -> Experiment:
    try:
        return read(config, choices)
    except InputError as error:
        raise InputError(f"{error} (in the sweep's run {name})") from error
