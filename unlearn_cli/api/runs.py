"""One run, a sweep, or a composition alone; overrides are those of the command line."""

from typing import Any, NamedTuple

from hydra.core.global_hydra import GlobalHydra

from unlearn_cli.api.process import borrowed
from unlearn_cli.api.result import Result
from unlearn_cli.command.explain import explaining
from unlearn_cli.config.composing import composed, hydra_of_our_own, initialized, overrides_of
from unlearn_cli.config.overrides import for_each_option
from unlearn_cli.config.plugins import used
from unlearn_cli.config.run_path import resolved, run_path
from unlearn_cli.runtime.process import check_launcher
from unlearn_cli.storage.fingerprint import looked_at_once
from unlearn_cli.storage.identity import identity_of
from unlearn_cli.storage.run_folder import RunFolder


class Composition(NamedTuple):
    """What a command line comes to."""

    config: dict[str, Any]
    """Every key, resolved."""
    choices: dict[str, str]
    """Option by group."""


def run(*overrides: str, force: bool = False) -> Result:
    """Do a run, or answer from the folder of one that has done it: unlearn.run("method=salun", "seed=1").

    Args:
        overrides: `group=option`, `key=value` and `--config-dir=FOLDER`.
        force: make it again though it is finished.

    Raises:
        InputError: wrong input, nothing was begun. RunError: the run failed. Preempted: it was asked to stop
            (SIGTERM), the same call resumes. Each is an `UnlearnError` of one line.
    """
    with borrowed(overrides):
        from unlearn_cli.config.texts import with_texts
        from unlearn_cli.run import run as one_run  # with PyTorch and all that a run needs

        check_launcher()
        with explaining(overrides):
            config, choices = composed(overrides)
        config = with_texts(config, overrides_of(overrides))
        plain = resolved(config)
        with looked_at_once():
            result = one_run(config, choices, force)
            return Result.of(result, run_path(plain, choices, identity_of(plain).key))


def sweep(*overrides: str, force: bool = False) -> list[Result]:
    """Every combination, one run after another in this process: unlearn.sweep("method=ft,ga", "seed=0,1").

    Results in the order of the runs. `hydra/launcher=processes` does them in processes of their own; of
    `slurm`, which does not wait, those that are finished already.

    Raises:
        InputError: a run of it cannot be right, nothing was begun. RunError: some runs failed, the others are
            finished and found in their folders; the same call makes what is missing.
    """
    from unlearn_cli.cli import Outcome, outcome

    with borrowed(["-m", *overrides]):
        vars(outcome).update(vars(Outcome(again=force)))
        with explaining(overrides), initialized():
            hydra = GlobalHydra.instance().hydra
            assert hydra
            typed = for_each_option(overrides_of(overrides))
            hydra.multirun("config", print, typed, with_log_configuration=False)
        if outcome.error:
            raise outcome.error
        found = [(folder, RunFolder(folder, {}).result()) for folder in outcome.folders]
        return [Result.of(result, folder) for folder, result in found if result]


def tune(*arguments: str) -> dict[str, dict[str, Any]]:
    """Choose values on validation rows: unlearn.tune("method=ft,salun", "trials=20"), as `unlearn tune`.

    Returns the chosen values by method and dotted key; runs take them by `tuned=outputs/tuned`.

    Raises:
        InputError: nothing was begun. RunError: every trial of a method failed. Preempted: the same call goes
            on.
    """
    with borrowed(["tune", *arguments]):
        from unlearn_cli.tuning.tune import tuned  # with PyTorch and all that a run needs

        check_launcher()
        return {one.setting.method: one.values for one in tuned(arguments)}


def compose(*overrides: str) -> Composition:
    """What these overrides come to, as `unlearn … --cfg job` prints it; it is checked no further.

    Raises:
        InputError: an unknown option or key, a value that cannot be read, a key without a value.
    """
    with used(overrides), hydra_of_our_own():
        with explaining(overrides):
            config, choices = composed(overrides)
        return Composition(resolved(config), choices)
