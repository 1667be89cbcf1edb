"""Following a sweep's jobs to their end."""

import logging
import time
from collections.abc import Callable
from pathlib import Path

from unlearn_cli.sweep.job_log import ended_by
from unlearn_cli.sweep.record import Record
from unlearn_cli.sweep.states import Queue, State, state_of

log = logging.getLogger("unlearn")

POLL_SECONDS = (1.0, 15.0)  # between two looks at the queue: at first, in the long run


def states(record: Record, queue: Queue | None) -> dict[str, State]:
    """Of every prerequisite and run, by its folder."""
    found = {}
    failed: dict[str, list[str]] = {}  # what did not end well, and what that was the fault of
    for item in record.prerequisites + record.runs:
        state = state_of(Path(item.folder), item.job, queue)
        if state.name == "killed" and item.log and (end := ended_by(Path(item.log))):
            state = State("killed", f"{end}; {state.detail}")
        faults = list(dict.fromkeys(name for need in item.needs for name in failed.get(need, [])))
        if state.name in ("not run", "not begun") and faults:
            state = State("not run", f"what it needs failed: {'; '.join(faults)}")
        if state.over:
            failed[Path(item.folder).name] = faults or [item.name]
        found[item.folder] = state
    return found


class Follower:
    """Says what has changed since the last look; of what was finished before, nothing."""

    def __init__(self) -> None:
        self.seen: dict[str, str] = {}

    def look(self, record: Record, queue: Queue | None) -> None:
        items = {item.folder: item for item in record.prerequisites + record.runs}
        first = not self.seen
        for folder, state in states(record, queue).items():
            before, self.seen[folder] = self.seen.get(folder), state.name
            waits = state.name in ("queued", "not begun")
            if first or before == state.name or (waits and before != "running"):
                continue
            why = f" ({state.detail})" if state.over or waits else ""
            log.info("%s: %s%s", state.name, items[folder].name, why)


def follow(record: Record, ask: Callable[[], Queue | None]) -> None:
    """Wait until the queue holds no job of the sweep. Ctrl-C leaves the jobs alone."""
    jobs = {item.job for item in record.prerequisites + record.runs if item.job}
    follower, pause = Follower(), POLL_SECONDS[0]
    try:
        while True:
            queue = ask()
            if queue is not None:  # a controller that does not answer will do so later
                follower.look(record, queue)
                if not jobs.intersection(queue):
                    return
            time.sleep(pause)
            pause = min(1.2 * pause, POLL_SECONDS[1])
    except KeyboardInterrupt:
        log.info("the jobs go on without this command; scancel %s ends them", " ".join(sorted(_ids(jobs))))
        raise


def _ids(jobs: set[str]) -> set[str]:
    """Arrays by their one id."""
    return {job.split("_")[0] for job in jobs}
