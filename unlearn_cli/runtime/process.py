"""Which of a run's processes this is, and which job of a cluster."""

import os


def is_main_process() -> bool:
    """Whether this process writes and prints for the run; torchrun, accelerate, submitit number theirs."""
    return os.environ.get("RANK", "0") == "0"


def slurm_job() -> str | None:
    """The SLURM job that this process belongs to, as squeue names it; None outside of SLURM."""
    array, task = os.environ.get("SLURM_ARRAY_JOB_ID"), os.environ.get("SLURM_ARRAY_TASK_ID")
    return f"{array}_{task}" if array else os.environ.get("SLURM_JOB_ID")
