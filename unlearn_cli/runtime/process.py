"""Which of a run's processes this is, and which job of a cluster."""

import os

from unlearn_cli.errors import InputError

OF_LAUNCHERS = ("RANK", "LOCAL_RANK", "WORLD_SIZE", "MASTER_ADDR", "MASTER_PORT")
"""What torchrun, accelerate and submitit set, all of it, in each process of a run."""


def is_main_process() -> bool:
    """Whether this process writes and prints for the run; torchrun, accelerate, submitit number theirs."""
    return os.environ.get("RANK", "0") == "0"


def check_launcher() -> None:
    """Refuse what another launcher has left in the environment: this process would be silent, or wait.

    Raises:
        InputError: the variables are not all there, or do not fit each other.
    """
    there = {name: os.environ[name] for name in OF_LAUNCHERS if name in os.environ}
    alone = there.get("RANK", "0") == "0" and (there.get("WORLD_SIZE", "1") == "1" or "RANK" not in there)
    if "LOCAL_RANK" not in there and alone:
        return
    missing = [name for name in OF_LAUNCHERS if name not in there]
    numbers = [there.get(name, "0") for name in ("RANK", "LOCAL_RANK", "WORLD_SIZE")]
    if missing:
        wrong = f"{' and '.join(missing)} {'is' if len(missing) == 1 else 'are'} not set"
    elif not all(number.isdigit() for number in numbers) or int(numbers[0]) >= int(numbers[2]):
        wrong = "of that many processes none has that number"
    else:
        return
    told = " ".join(f"{name}={value}" for name, value in there.items())
    raise InputError(
        f"{told}: in the environment, but {wrong}; left over from another launcher? unset {' '.join(there)}, "
        "or start with torchrun"
    )


def slurm_job() -> str | None:
    """The SLURM job that this process belongs to, as squeue names it; None outside of SLURM."""
    array, task = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    return f"{array}_{task}" if array else os.environ.get("SLURM_JOB_ID")
