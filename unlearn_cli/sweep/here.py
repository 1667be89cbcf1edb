"""A sweep in this process: one run after another, each making what it is the first to need."""

import logging
from collections.abc import Mapping
from itertools import chain
from typing import Any

from omegaconf import OmegaConf

import unlearn_cli.run
from unlearn_cli.errors import Preempted, UnlearnError
from unlearn_cli.runtime.process import is_main_process
from unlearn_cli.runtime.progress import remaining
from unlearn_cli.storage.run_folder import RunFolder
from unlearn_cli.sweep.plan import Plan

log = logging.getLogger("unlearn")


def run_all(found: Plan) -> None:
    """Do what is unfinished; a run that fails says so in its folder and does not stop the others.

    Raises:
        Preempted, KeyboardInterrupt: the sweep was asked to stop; the same command goes on.
    """
    to_do = {run.folder for run in found.to_do}
    numbered = [*enumerate(found.runs, 1)]
    finished = [one for one in numbered if one[1].folder not in to_do]  # first: they tell no time to go
    unfinished = [one for one in numbered if one[1].folder in to_do]
    for number, run in chain(finished, remaining("sweep", unfinished, len(numbered), len(unfinished) > 1)):
        experiment = run.experiment
        log.info("run %d of %d: %s", number, len(found.runs), run.overrides)
        try:
            config = OmegaConf.create(experiment.config)
            print_result_line(unlearn_cli.run.run(config, experiment.choices, found.again))
        except Preempted:
            raise
        except Exception as error:
            log.error("error: %s", error, exc_info=not isinstance(error, UnlearnError))
            RunFolder(run.folder, experiment.config, is_main_process()).refused(error)


def print_result_line(result: Mapping[str, Any]) -> None:
    """One line for a run of a sweep that has finished."""
    if not is_main_process():
        return
    gap = "" if result["avg_gap"] is None else f"Avg Gap {result['avg_gap']:.2f}, "
    cost = f"{result['cost']['seconds']:.1f} s of unlearning" if result["cost"] else ""
    print(f"finished: {gap}{cost}, {result['folder']}", flush=True)
