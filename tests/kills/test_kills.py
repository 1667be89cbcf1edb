"""Killed at any stage of any method, the same command comes to the same bits and leaves nothing behind.

The stages are found by themselves (moments.py). A sample runs always, and all of them with -m ''; grid.py
does so over hours, and goes on where it was stopped.
"""

from pathlib import Path

import pytest
from killed import Problem
from tiny_cases import SMALL, judged_cases
from tiny_processes import processes

SAMPLE = (
    ("classification", "salun", 10),
    ("generation", "ga", 12),
    ("text_to_image", "uce", 10),
    ("clip", "bbf", 10),
    ("vlm", "sauce", 12),
)
"""Task, case, and how many of its stages are left out between two."""


@pytest.mark.parametrize(("task", "case", "each"), SAMPLE)
def test_killed_at_some_stages(tmp_path, task, case, each):
    assert not faults(tmp_path, task, case, each)


@pytest.mark.thorough
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(("task", "case"), [(task, case) for task in SMALL for case in judged_cases(task)])
def test_killed_at_every_stage(tmp_path, task, case):
    assert not faults(tmp_path, task, case, 1)


def faults(folder: Path, task: str, case: str, each: int) -> list[str]:
    """A line for each stage whose resumed run is another, or if there are no stages."""
    receiving, sending = processes.Pipe(duplex=False)
    process = processes.Process(target=_kill, args=(sending, folder, task, case, each))
    process.start()
    sending.close()
    try:
        found: list[str] = receiving.recv()
    finally:
        process.join()
    return found


def _kill(sending, folder, task, case, each):
    tried = list(Problem(task, folder).killed(case, lambda stages: stages[each // 2 :: each]))
    lines = [f"{moment.name}: {'; '.join(wrong)}" for moment, wrong in tried if wrong]
    sending.send(lines if tried else ["no stage was found"])
