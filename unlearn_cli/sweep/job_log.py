"""What a job's own log says of how it was ended from outside."""

from pathlib import Path

BEGUN = "Starting with JobEnvironment"
"""Submitit's first line; a requeued job writes it again."""


def ended_by(log: Path) -> str:
    """What SLURM wrote of the job's end: cancelled, out of memory or time, its process killed; else ""."""
    lines = (
        log.read_text(encoding="utf-8", errors="replace").split(BEGUN)[-1].splitlines()
        if log.exists()
        else []
    )
    told = [line.split("error: ", 1)[1] for line in lines if line.startswith(("slurmstepd", "srun: error: "))]
    of_the_job = [line for line in told if " JOB " in line or "oom" in line.lower()]
    return (of_the_job or told or [""])[-1].strip("* ")
