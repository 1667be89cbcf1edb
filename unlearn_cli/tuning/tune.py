"""`unlearn tune`, top to bottom."""

import logging
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from omegaconf import OmegaConf, open_dict

from unlearn_cli.command.explain import explaining
from unlearn_cli.config.composing import composed, composed_launcher
from unlearn_cli.config.dormant import SEARCH, SWITCHES
from unlearn_cli.config.texts import with_texts
from unlearn_cli.errors import InputError, RunError
from unlearn_cli.evaluation.objective import Objective
from unlearn_cli.experiment import read
from unlearn_cli.origins import Origins
from unlearn_cli.run import check
from unlearn_cli.runtime.process import is_main_process
from unlearn_cli.storage.fingerprint import looked_at_once
from unlearn_cli.storage.run_folder import RunFolder
from unlearn_cli.storage.store import Store
from unlearn_cli.sweep.launch import launch
from unlearn_cli.sweep.record import Record
from unlearn_cli.tuning import tpe
from unlearn_cli.tuning.found import Found, check_place, write
from unlearn_cli.tuning.request import Request, read_request
from unlearn_cli.tuning.rounds import run_trials
from unlearn_cli.tuning.trials import Run, Setting, Trial, fixed, spaces

log = logging.getLogger("unlearn")

TRIALS = "trials"
"""Folder, below that of the result, of the runs; comparisons of folders above pass it over."""


def tuned(arguments: Sequence[str], planning: bool = False) -> list[Found]:
    """Choose values for each method, and write them. planning: say what would be done; [].

    Raises:
        InputError: nothing was begun. RunError: every trial of a method failed. Preempted: the same command
            goes on.
    """
    request = read_request(arguments)
    is_suggesting = request.settings.sampler == "tpe"
    if is_suggesting:
        tpe.package()
    with explaining(arguments):
        where, launcher = composed_launcher(request.overrides)
        settings = {one.method: one for one in _settings(request)}
    launcher |= {"wait": True} if "wait" in launcher else {}
    objective = _checked(request, [setting.bases[0] for setting in settings.values()], where == "here")
    drawn = request.settings.trials
    if is_suggesting and drawn > tpe.STARTUP:
        if planning:
            log.info("trials %d to %d are to be suggested; planned with drawn values", tpe.STARTUP + 1, drawn)
        else:
            drawn = tpe.STARTUP
    trials = {method: _trials(setting, drawn, request.settings.draw) for method, setting in settings.items()}
    told = "%d trials of each of %d methods, on %d seeds, by %s on validation rows"
    log.info(told, request.settings.trials, len(settings), len(_seeds(request)), objective.name)

    def launched(runs: Sequence[Run]) -> list[Path]:
        with looked_at_once():
            folders = [run.folder for run in runs]
        composed = [(run.overrides, run.config, run.choices) for run in runs]
        launch(where, launcher, composed, planning, end=_nothing_more)
        return folders

    every = [trial for of_method in trials.values() for trial in of_method]
    if planning:
        launched([run for trial in every for run in settings[trial.method].runs(trial.values)])
        return []
    if request.settings.objective:  # before the others are run for nothing
        for folder in launched(next(iter(settings.values())).bases):
            objective.check_measured(RunFolder(folder, {}).result())
    run_trials(settings, every, launched, request.settings.halving, objective)
    if is_suggesting:
        at_once = 1 if where == "here" else tpe.SIDE_BY_SIDE
        tpe.run_suggested(settings, trials, launched, request.settings, objective, at_once)
    found = [Found(setting, trials[method], objective, request) for method, setting in settings.items()]
    for one in found:
        if one.score(one.best) is None:
            raise RunError(f"{one.setting.method}: no trial has a {objective.name} ({one.best.reason})")
    if is_main_process():
        for one in found:
            write(one, sys.argv[1:])
    return found


def _checked(request: Request, bases: Sequence[Run], here: bool) -> Objective:
    """What is chosen by. InputError: it cannot be, the result has no place, or the data do not fit a run.

    here: the runs are this process', whose data are at hand.
    """
    experiments = [read(base.config, base.choices) for base in bases]
    for base in bases:
        check_place(request.settings.into, base)
    objectives = [Objective.of(request.settings.objective, experiment) for experiment in experiments]
    for experiment in experiments if here else ():
        compute = experiment.compute()
        check(Origins.of(experiment, compute, Store(experiment.paths.store, compute)))
    return objectives[0]


def _trials(setting: Setting, count: int, draw: int) -> list[Trial]:
    trials = setting.trials(count, draw)
    for trial in trials[1:]:
        setting.check(trial)
    return trials


def _seeds(request: Request) -> Sequence[str]:
    return request.seeds or ("0",)


def _settings(request: Request) -> list[Setting]:
    """Each method under each seed, every key checked."""
    found = []
    for method in request.methods or (None,):
        bases = [_base(request, method, seed) for seed in _seeds(request)]
        name = bases[0].choices["method"]
        drawn = spaces(read(bases[0].config, bases[0].choices), request.fixed)
        if not drawn:
            raise InputError(
                f"method: {name} has nothing to tune, no range under method.{SEARCH} of what was not given; "
                f"leave it out, or give one as in '+method.{SEARCH}.lr={{times:[0.1,10]}}'"
            )
        found.append(Setting(name, bases, drawn, fixed(bases[0], request.fixed)))
    return found


def _base(request: Request, method: str | None, seed: str) -> Run:
    chosen = [f"method={method}"] if method else []
    typed = [*request.overrides, *chosen, f"seed={seed}"]
    config, choices = composed([*typed, "judged_on=validation"])
    config = with_texts(config, typed)
    store: Any = config.paths.store
    with open_dict(config):
        config.paths.store = store
        config.paths.outputs = str(request.settings.into / TRIALS)
        for switch in SWITCHES:
            if OmegaConf.is_list(config.eval.get(switch)) or config.eval.get(switch) == "all":
                config.eval[switch] = []
    return Run([*chosen, f"seed={seed}"], config, choices)


def _nothing_more(folder: Path, record: Record) -> None:
    """A trial that failed is one that is not chosen; what the tuning came to is told by itself."""
