"""In which state a run is, by its folder, its process and the queue."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from unlearn_cli.storage.files import Damaged, is_alive
from unlearn_cli.storage.identity_file import is_another_runs
from unlearn_cli.storage.run_folder import result_of
from unlearn_cli.storage.status import read_status

Name = Literal["finished", "running", "queued", "failed", "preempted", "killed", "not begun", "not run"]


@dataclass(frozen=True)
class State:
    """A run's state in a word, and what there is to say about it in a line."""

    name: Name
    detail: str = ""

    @property
    def over(self) -> bool:
        """It ended without being finished, and nothing will begin it again by itself."""
        return self.name in ("failed", "killed", "not run")


@dataclass(frozen=True)
class Queued:
    """A job that the scheduler has not done with."""

    state: str  # SLURM's: PENDING, RUNNING, …
    reason: str


Queue = Mapping[str, Queued]
"""Jobs that wait or run, by their id."""


def state_of(folder: Path, job: str | None, queue: Queue | None) -> State:
    """The state of the run in `folder`.

    Args:
        job: the scheduler's id of the job that was submitted for it last; None: it was not submitted.
        queue: what the scheduler has now; None: there is no scheduler to ask.
    """
    status = read_status(folder)
    if is_another_runs(folder):
        return State("failed", "its folder has been renamed and holds another run; give that its name back")
    state, fault = status["state"], _fault(folder, status)
    if state == "finished" and not fault:
        return State("finished")
    waiting = queue.get(job) if queue and job else None
    if waiting:
        return _waiting(waiting, state, folder)
    left_queue = bool(job) and queue is not None
    if state == "running":
        if left_queue or _dead(status):
            return State("killed", f"its process is gone; {_last_line(folder)}")
        return State("running", _last_line(folder))
    if fault:
        return State("failed", f"{fault}; the run's command makes it anew")
    if state in ("failed", "preempted"):
        return State(state, status.get("reason") or "")
    if left_queue:
        return State("not run", "its job left the queue before it began: cancelled, or a prerequisite failed")
    return State("not begun")


def _waiting(job: Queued, state: str, folder: Path) -> State:
    if job.state in ("RUNNING", "COMPLETING"):
        return State("running", _last_line(folder))
    again = "again, after it was preempted or timed out" if state in ("running", "preempted") else ""
    return State("queued", " ".join(filter(None, [again, f"({job.reason})" if job.reason != "None" else ""])))


def _dead(status: Mapping[str, Any]) -> bool:
    """Whether the process that wrote the status is known to have ended."""
    if status.get("host") != platform.node() or "pid" not in status:
        return False
    return not is_alive(status["pid"])


def _fault(folder: Path, status: Mapping[str, Any]) -> str | None:
    """What is wrong with the status or with the result of a finished run, if anything."""
    if status["state"] == "damaged":
        return str(status["reason"])
    try:
        result_of(folder)
    except Damaged as error:
        return str(error)
    return None


def _last_line(folder: Path) -> str:
    """The last line of the run's log: what it is at."""
    file = folder / "log.txt"
    lines = file.read_text(encoding="utf-8", errors="replace").splitlines() if file.exists() else []
    said = [line for line in lines[-50:] if " INFO " in line or " DEBUG " in line or " WARNING " in line]
    return said[-1].split(" ", 3)[-1] if said else ""
