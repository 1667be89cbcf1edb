"""Submission through submitit: what runs share first, then the runs, each depending on what it needs."""

import sys
from collections import defaultdict
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import submitit

from unlearn_cli.config.hashing import key_of
from unlearn_cli.experiment import Experiment
from unlearn_cli.storage.files import Damaged, set_aside
from unlearn_cli.storage.locks import exclusive_lock
from unlearn_cli.storage.sealed import read_sealed, write_sealed
from unlearn_cli.sweep.freeze import freeze
from unlearn_cli.sweep.job import Job
from unlearn_cli.sweep.plan import Plan
from unlearn_cli.sweep.record import Item, Record
from unlearn_cli.sweep.settings import Jobs
from unlearn_cli.sweep.states import Queue


@dataclass(frozen=True)
class Task:
    """One job to be: a run, or (with its identity) a prerequisite."""

    key: str
    """Equal for equal work, whichever sweep asks for it."""
    label: str
    experiment: Experiment
    folder: Path
    prerequisite: str | None
    needs: tuple[str, ...]
    """Keys of the tasks that must end well before."""
    pool: str | None = None
    """What it is one of many of."""

    def job(self, code: Path, threads: int) -> Job:
        arguments: dict[str, Any] = {
            "config": self.experiment.config,
            "choices": self.experiment.choices,
            "prerequisite": self.prerequisite,
            "folder": str(self.folder),
        }
        return Job(str(code), threads, arguments)


class Submission:
    """The jobs of one sweep. Work that another sweep has in the queue already is not submitted again."""

    def __init__(self, found: Plan, settings: Jobs, queue: Queue):
        self.found, self.settings, self.queue = found, settings, queue
        self.registry = found.runs[0].experiment.paths.store / "jobs"
        self.code = freeze(found.folder / "code").absolute()
        self.items: dict[str, Item] = {}
        self.submitted: list[str] = []

    def tasks(self) -> list[Task]:
        """The unfinished work, prerequisites first: those that runs share, those in the queue."""
        first = self.found.first()
        first |= {key: item for key, item in self.found.missing.items() if self._queued(key)}
        shared = [
            Task(
                key,
                item.label,
                item.experiment,
                (self.found.folder / "prerequisites" / key).absolute(),
                key,
                tuple(need for need in item.after if need in first),
                item.pool,
            )
            for key, item in first.items()
        ]
        runs = [
            Task(
                f"run-{key_of({'folder': str(run.folder.absolute())})}",
                run.overrides,
                run.experiment,
                run.folder.absolute(),
                None,
                tuple(need for need in run.needs.values() if need in first),
            )
            for run in self.found.to_do
        ]
        return shared + runs

    def waves(self) -> Iterable[tuple[tuple[str, ...], list[Task]]]:
        """Tasks that depend on the same jobs, with those jobs' ids; what they depend on comes before them."""
        left = self.tasks()
        while left:
            keys = {task.key for task in left}
            ready = [task for task in left if not keys.intersection(task.needs)]
            waves = defaultdict(list)
            for task in ready:
                if known := self._queued(task.key):
                    self._note(task, **known)
                else:
                    waves[tuple(sorted({str(self.items[need].job) for need in task.needs}))].append(task)
            yield from waves.items()
            left = [task for task in left if task not in ready]

    def hand_over(self, executor: submitit.Executor, wave: list[Task]) -> list[submitit.Job[Any]]:
        """Submit a wave as one array."""
        with executor.batch():
            jobs = [executor.submit(task.job(self.code, self.settings.cpus_per_task)) for task in wave]
        self.submitted += [job.job_id for job in jobs]
        for task, job in zip(wave, jobs, strict=True):
            known = {"job": job.job_id, "log": str(job.paths.stdout), "folder": str(task.folder)}
            self._note(task, **known)
            write_sealed(self.registry / f"{task.key}.json", known)
        return jobs

    def record(self) -> Record:
        """All runs of the sweep, the finished ones too, and the prerequisites submitted for them."""
        submitted = {item.folder: item for item in self.items.values()}
        runs = [
            submitted.get(str(run.folder.absolute()), Item(run.overrides, str(run.folder.absolute())))
            for run in self.found.runs
        ]
        shared = [item for key, item in self.items.items() if key in self.found.missing]
        return Record(self.found.name, sys.argv, runs, shared)

    def _queued(self, key: str) -> dict[str, str] | None:
        """The job that does this already, for this sweep or another; its log and status folder."""
        known = _job_noted(self.registry / f"{key}.json")
        waiting = self.queue.get(known["job"]) if known else None
        return known if waiting and waiting.state != "COMPLETING" else None  # which may be a failure's end

    def leave_out(self, tasks: list[Task]) -> None:
        """Note tasks that are not submitted, since what they need has failed."""
        for task in tasks:
            self._note(task, None, None, str(task.folder))

    def _note(self, task: Task, job: str | None, log: str | None, folder: str) -> None:
        self.items[task.key] = Item(task.label, folder, list(task.needs), job, log, task.pool)


def _job_noted(file: Path) -> dict[str, str] | None:
    """What was noted of the job that was last submitted for some work."""
    try:
        known = read_sealed(file)
        if not all(isinstance(known.get(key), str) for key in ("job", "log", "folder")):
            raise Damaged("it notes no job")
    except FileNotFoundError:
        return None
    except Damaged as error:
        set_aside(file, str(error), "store")
        return None
    return known


def submission_lock(found: Plan) -> AbstractContextManager[None]:
    """Held while a sweep looks at the queue and submits: two sweeps at once must not submit the same work."""
    store = found.runs[0].experiment.paths.store
    return exclusive_lock(store / "jobs" / ".lock", "paths.store", "submitting its jobs")
