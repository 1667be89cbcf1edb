"""What a submitted job does: one run, or one prerequisite of several runs."""

from pathlib import Path
from typing import Any

from omegaconf import OmegaConf
from submitit.core.job_environment import JobEnvironment
from submitit.helpers import TorchDistributedEnvironment

from unlearn_cli.compare.table import show
from unlearn_cli.config.run_path import run_path
from unlearn_cli.errors import InputError
from unlearn_cli.experiment import read
from unlearn_cli.origins import Origins
from unlearn_cli.prerequisite import identity
from unlearn_cli.prerequisites import prerequisites
from unlearn_cli.run import run
from unlearn_cli.runtime.logs import log_to_console
from unlearn_cli.runtime.process import is_main_process
from unlearn_cli.runtime.stopping import stop_signals
from unlearn_cli.small_steps import decide_threads
from unlearn_cli.storage.identity import identity_of
from unlearn_cli.storage.run_folder import RunFolder
from unlearn_cli.storage.store import Store


def work(config: dict[str, Any], choices: dict[str, str], prerequisite: str | None, folder: str) -> None:
    """Do a run, or make the prerequisite of that identity for it; its own log is the job's.

    Args:
        folder: the run folder, or where a prerequisite's status and log are kept.

    Raises:
        UnlearnError: as `run`. It reaches submitit, and so the job's log and its exit code.
    """
    if JobEnvironment().num_tasks > 1:
        TorchDistributedEnvironment().export(set_cuda_visible_devices=False)  # accelerate goes by LOCAL_RANK
    main = is_main_process()
    log_to_console()
    try:
        if prerequisite:
            make(prerequisite, config, choices, Path(folder))
        else:
            _check_unchanged(config, choices, folder)
            result = run(OmegaConf.create(config), choices)
            if main:
                show(result)
    except InputError as error:
        RunFolder(Path(folder), config, main).refused(error)
        raise


def _check_unchanged(config: dict[str, Any], choices: dict[str, str], folder: str) -> None:
    """InputError: what the run names is not what it was when the sweep was submitted."""
    now = run_path(config, choices, identity_of(config).key).absolute()
    if now != Path(folder):
        raise InputError(
            f"what the run reads has changed since its sweep was submitted ({now.name}, not "
            f"{Path(folder).name}): data, a file that it names, or a plug-in; give the sweep's command again"
        )


def make(wanted: str, config: dict[str, Any], choices: dict[str, str], place: Path) -> None:
    """Make the prerequisite of that identity for that run, so that it is in the store."""
    experiment = read(OmegaConf.create(config), choices)
    compute = experiment.compute()
    folder = RunFolder(place, experiment.config, compute.is_main)
    (kind,) = [kind for kind in prerequisites(experiment) if identity(kind, experiment) == wanted]
    with stop_signals(), folder.running():
        origins = Origins.of(experiment, compute, Store(experiment.paths.store, compute))
        decide_threads(origins)
        kind.make(origins)
        folder.finish()
