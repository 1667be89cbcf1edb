"""Log lines where there is no bar: how far a stage is, and its time to go."""

import pytest

from unlearn_cli.runtime import progress
from unlearn_cli.runtime.progress import Progress, remaining


@pytest.fixture
def lines(monkeypatch, caplog):
    """lines(): the messages so far; a second goes by with each look at the clock, and all lines are due."""
    clock = iter(range(100))
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(progress, "LINE_SECONDS", (0, 0))
    monkeypatch.setattr(progress, "HAS_BAR", False)
    caplog.set_level("INFO", "unlearn")
    return lambda: caplog.messages


def test_a_stage_tells_its_time_to_go_by_the_steps_of_this_process(lines):
    with Progress("original", 10, done=7) as bar:
        for epoch in (0, 0, 1):
            bar.advance(epoch)
    assert lines() == [
        "original: resumed at step 7 of 10",
        "original: step 8 of 10 (epoch 1), 2 s to go",
        "original: step 9 of 10 (epoch 1), 1 s to go",
        "original: step 10 of 10 (epoch 2)",
    ]


def test_without_epochs(lines):
    with Progress("sampling", 2) as bar:
        bar.advance()
        bar.advance()
    assert lines() == ["sampling: step 1 of 2, 1 s to go", "sampling: step 2 of 2"]


def test_of_many_alike(lines):
    for _ in remaining("shadows", ["a", "b"], total=3):
        pass
    assert lines()[-1] == "shadows: 3 of 3"
    assert lines()[0].startswith("shadows: 2 of 3, ")
