"""A sweep in processes of their own on this machine, through submitit's local executor."""

import time

import submitit

from unlearn_cli.sweep.cluster import Submission
from unlearn_cli.sweep.follow import Follower
from unlearn_cli.sweep.plan import Plan
from unlearn_cli.sweep.record import Record
from unlearn_cli.sweep.settings import Processes
from unlearn_cli.sweep.states import state_of

POLL_SECONDS = 0.5


def run_all(found: Plan, settings: Processes) -> Record:
    """Do what is unfinished, `settings.parallel` at once, each after what it needs; wait for all.

    What needs a prerequisite that failed is not run.
    """
    executor = submitit.LocalExecutor(found.folder / "jobs", max_num_timeout=settings.max_num_timeout)
    executor.update_parameters(
        timeout_min=settings.timeout_min,
        signal_delay_s=settings.signal_delay_s,
        tasks_per_node=settings.processes,
        gpus_per_node=settings.gpus_per_node,
        stderr_to_stdout=True,
    )
    submission = Submission(found, settings, {})
    follower, record = Follower(), submission.record()
    record.save(found.folder)
    follower.look(record, None)
    failed: set[str] = set()
    for _, wave in submission.waves():
        vain = [task for task in wave if failed.intersection(task.needs)]
        submission.leave_out(vain)
        failed |= {task.key for task in vain}
        able = [task for task in wave if task not in vain]
        for first in range(0, len(able), settings.parallel):
            batch = able[first : first + settings.parallel]
            jobs = submission.hand_over(executor, batch)
            record = submission.record()
            record.save(found.folder)
            while not all(job.done() for job in jobs):
                time.sleep(POLL_SECONDS)
                follower.look(record, None)
            follower.look(record, None)
            failed |= {task.key for task in batch if state_of(task.folder, None, None).name != "finished"}
    record = submission.record()
    record.save(found.folder)
    return record
