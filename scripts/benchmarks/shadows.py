"""Times a shadow model of digits: trained, unlearned by SalUn; one after another, and in two processes.

Run: .venv/bin/python -m scripts.benchmarks.shadows
On a shared machine its seconds of the processors tell more than those of the clock.
"""

import multiprocessing
import os
import platform
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from unlearn_cli.config.composing import composed
from unlearn_cli.experiment import read
from unlearn_cli.origins import Origins
from unlearn_cli.shadows import Shadows
from unlearn_cli.storage.store import Store

COMMAND = ("method=salun", "eval.attacks=[ulira]", "progress=false")
EACH = 2
"""Shadows that are made for a measurement."""


def measure() -> None:
    print(f"{platform.machine()}, {os.cpu_count()} CPU cores, torch {torch.__version__}, {EACH} shadows")
    for threads in (1, 2):
        with TemporaryDirectory() as folder:
            os.environ["OMP_NUM_THREADS"] = str(threads)  # else a run takes what it finds best
            torch.set_num_threads(threads)
            pool = pool_in(Path(folder))
            show(f"trained, {threads} thread(s)", lambda pool=pool: make(pool, range(EACH), unlearned=False))
            show(f"unlearned, {threads} thread(s)", lambda pool=pool: make(pool, range(EACH), unlearned=True))
    with TemporaryDirectory() as folder:
        show("trained in two processes of one thread", lambda: side_by_side(Path(folder)))


def pool_in(folder: Path) -> Shadows:
    """That of digits, with a store of its own; the data are loaded."""
    experiment = read(*composed([*COMMAND, f"paths.outputs={folder}"]))
    compute = experiment.compute()
    return Shadows(Origins.of(experiment, compute, Store(experiment.paths.store, compute)))


def make(pool: Shadows, numbers: range, unlearned: bool) -> None:
    for number in numbers:
        pool.margins(number, unlearned)


def side_by_side(folder: Path) -> None:
    """Each process makes one half; its start and its imports count."""
    spawned = multiprocessing.get_context("spawn")
    halves = (range(half, EACH, 2) for half in range(2))
    pair = [spawned.Process(target=_half, args=(folder, numbers)) for numbers in halves]
    for process in pair:
        process.start()
    for process in pair:
        process.join()


def _half(folder: Path, numbers: range) -> None:
    torch.set_num_threads(1)
    make(pool_in(folder), numbers, unlearned=False)


def show(name: str, action: Callable[[], None]) -> None:
    clock, before = time.perf_counter(), _processors()
    action()
    took, worked = time.perf_counter() - clock, _processors() - before
    print(
        f"{name:42s} {worked / EACH:6.2f} s of a processor each, {took / EACH:6.2f} s by the clock",
        flush=True,
    )


def _processors() -> float:
    """Seconds of all processors, of this process and of those that it waited for."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


if __name__ == "__main__":
    measure()
