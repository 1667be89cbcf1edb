"""Jobs into SLURM's queue."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import submitit
from submitit.core.utils import FailedJobError, FailedSubmissionError

from unlearn_cli.errors import InputError, did_you_mean
from unlearn_cli.sweep.cluster import Submission
from unlearn_cli.sweep.queue import ask, queue
from unlearn_cli.sweep.settings import Slurm
from unlearn_cli.sweep.states import Queue

MOST = 1000
"""Jobs of one array; SLURM's own default limit (MaxArraySize) is 1001."""


def check(settings: Slurm) -> None:
    """Called before anything is written.

    Raises:
        InputError: there is no SLURM here, or it has no such partition.
    """
    if not shutil.which("sbatch"):
        raise InputError(
            "hydra/launcher: there is no SLURM here (no sbatch); hydra/launcher=local runs the sweep on this "
            "machine, hydra/launcher=processes in processes of their own"
        )
    partitions = ask("sinfo", "--noheader", "--format=%R")
    if partitions is None:
        raise InputError("hydra/launcher: SLURM's controller does not answer (sinfo failed); try again later")
    if settings.partition and not set(settings.partition.split(",")) <= set(partitions):
        raise InputError(
            f"hydra.launcher.partition: the cluster has no '{settings.partition}'; "
            f"{did_you_mean(settings.partition, set(partitions))}"
        )


def waiting() -> Queue:
    """What is in the queue.

    Raises:
        InputError: SLURM does not say, and what it has already would be submitted twice.
    """
    found = queue()
    if found is None:
        raise InputError(
            "hydra/launcher: SLURM's controller does not answer (squeue failed); try again later"
        )
    return found


def submit(submission: Submission, settings: Slurm, folder: Path) -> None:
    """Hand everything to sbatch, prerequisites first; the rest depends on them by afterok.

    Raises:
        InputError: sbatch refused; what had been submitted is cancelled again.
    """
    try:
        for after, wave in submission.waves():
            for first in range(0, len(wave), MOST):
                part = wave[first : first + MOST]
                submission.hand_over(_executor(settings, after, folder), part)
    except (FailedJobError, FailedSubmissionError, ValueError) as error:
        _cancel(submission.submitted)
        told = str(error).split("sbatch: error: ")[1:] or [str(error)]
        reason = "; ".join(" ".join(line.split()) for line in told)
        raise InputError(
            f"hydra.launcher: sbatch refused ({reason}); nothing was submitted. "
            "partition, gpus_per_node, cpus_per_task, mem_gb and timeout_min say what a job asks for"
        ) from error
    except BaseException:  # a full disk, Ctrl-C: half a sweep would be of no use
        _cancel(submission.submitted)
        raise


def _cancel(jobs: list[str]) -> None:
    if jobs:
        subprocess.run(["scancel", *jobs], check=False)


def _executor(settings: Slurm, after: tuple[str, ...], folder: Path) -> submitit.SlurmExecutor:
    executor = submitit.SlurmExecutor(folder=folder / "jobs", max_num_timeout=settings.max_num_timeout)
    # A job whose prerequisite failed would wait for ever.
    more: dict[str, Any] = {"requeue": True, "kill-on-invalid-dep": "yes"}
    asked = {
        "job_name": f"unlearn-{folder.name}",
        "time": settings.timeout_min,
        "signal_delay_s": settings.signal_delay_s,
        "nodes": 1,
        "ntasks_per_node": settings.processes,
        "cpus_per_task": settings.cpus_per_task,
        "gpus_per_node": settings.gpus_per_node or None,
        "mem": settings.mem_gb and f"{settings.mem_gb}GB",
        "partition": settings.partition,
        "account": settings.account,
        "qos": settings.qos,
        "constraint": settings.constraint,
        "array_parallelism": settings.array_parallelism,
        "setup": settings.setup or None,
        "dependency": f"afterok:{':'.join(after)}" if after else None,
        "stderr_to_stdout": True,
        "additional_parameters": more | settings.additional_parameters,
    }
    executor.update_parameters(**{key: value for key, value in asked.items() if value is not None})
    return executor
