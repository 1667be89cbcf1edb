"""What SLURM has in its queue."""

import shutil
import subprocess

from unlearn_cli.sweep.states import Queue, Queued


def queue() -> Queue | None:
    """One's own jobs that wait or run, array tasks one by one; None where there is no SLURM that answers."""
    if not shutil.which("squeue"):
        return None
    lines = ask("squeue", "--me", "--noheader", "--array", "--format=%i|%T|%r")
    if lines is None:
        return None
    return {job: Queued(state, reason) for job, state, reason in (line.split("|", 2) for line in lines)}


def ask(*command: str) -> list[str] | None:
    """The lines that a SLURM command prints; None if it fails."""
    answer = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=False)
    return answer.stdout.splitlines() if answer.returncode == 0 else None
