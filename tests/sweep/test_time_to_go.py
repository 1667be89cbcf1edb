"""The time to go of a sweep that goes on: finished runs take none."""

import logging
from types import SimpleNamespace
from unittest.mock import patch

from unlearn_cli.sweep.here import run_all

RUN_SECONDS = 120


def test_finished_runs_are_no_measure_of_those_to_do(caplog):
    runs = [
        SimpleNamespace(
            folder=name,
            overrides=f"method={name}",
            experiment=SimpleNamespace(config={"name": name}, choices={}),
        )
        for name in ("ft", "ga", "rl", "bs", "be")
    ]
    to_do = [run for run in runs if run.folder in ("ft", "rl", "be")]
    clock = SimpleNamespace(now=0.0)

    def run(config, choices, again):
        clock.now += RUN_SECONDS * any(config.name == one.folder for one in to_do)
        return {"avg_gap": None, "cost": None, "folder": config.name}

    caplog.set_level(logging.INFO, "unlearn")
    with (
        patch("unlearn_cli.run.run", run),
        patch("unlearn_cli.runtime.progress.time.monotonic", lambda: clock.now),
    ):
        run_all(SimpleNamespace(runs=runs, to_do=to_do, again=False))
    assert [line for line in caplog.messages if "to go" in line] == [
        "sweep: 3 of 5, 4 min to go",
        "sweep: 4 of 5, 2 min to go",
    ]
    assert len([line for line in caplog.messages if line.startswith("run ")]) == 5
