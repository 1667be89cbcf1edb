"""Times a worst-case selection: its upper iteration, its projection, and the whole of it on digits.

Run: .venv/bin/python -m scripts.benchmarks.selection
"""

import copy
import os
import platform
import statistics
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import numpy as np
import torch
from hydra import compose, initialize_config_dir
from omegaconf import open_dict

from scripts.benchmarks.timing import interleaved, show, timed
from unlearn_cli.cli import main
from unlearn_cli.config.catalogue import conf_folder
from unlearn_cli.config.composing import chosen_options
from unlearn_cli.data.feeds import shuffled
from unlearn_cli.experiment import read
from unlearn_cli.forget.bilevel import solve
from unlearn_cli.forget.projection import project
from unlearn_cli.forget.random import draw_without_replacement
from unlearn_cli.forget.units import Units
from unlearn_cli.methods.original import Original
from unlearn_cli.origins import Origins
from unlearn_cli.storage.store import Store
from unlearn_cli.tracking import Tracker

ROUNDS, WEIGHTS = 7, 1_000_000


def measure() -> None:
    print(f"{platform.machine()}, {os.cpu_count()} CPU cores, torch {torch.__version__}")
    iteration()
    projection()
    digits()


def iteration() -> None:
    """An upper iteration against its training without weights and a forward pass over the rows."""
    with origins(
        "model=resnet20", "forget=worst_case", "forget.iterations=1", "forget.lower.epochs=3"
    ) as run:
        task, problem = run.experiment.task, run.experiment.forget
        units = Units.of("sample", run.data, run.splits.train)
        random = draw_without_replacement(np.arange(len(units)), len(units) // 10, 0)
        original = run.get(Original()).model

        def upper() -> None:
            with TemporaryDirectory() as folder:
                solve(problem, run, units, random, Path(folder), Tracker())

        def parts() -> None:
            with TemporaryDirectory() as folder:
                trainer, model = run.trainer(Path(folder)), copy.deepcopy(original)
                trainer.fit(
                    model,
                    shuffled(units.rows),
                    lambda model, batch: {"train": task.loss(model, batch).mean()},
                    problem.lower,
                )
                task.predict(model, trainer, units.rows)

        show("upper iteration / its training and a forward pass", *interleaved(ROUNDS, upper, parts))


def projection() -> None:
    """A step's projection, on one core."""
    weights = np.full(WEIGHTS, 0.1) - 0.1 * np.random.default_rng(0).random(WEIGHTS)
    times = [timed(lambda: project(weights, WEIGHTS // 10)) for _ in range(ROUNDS)]
    print(f"{f'projection of {WEIGHTS:,} weights':56s} {statistics.median(times):6.3f} s", flush=True)


def digits() -> None:
    """`unlearn forget=worst_case method=retrain` from nothing, and what of it is the selection."""
    with TemporaryDirectory() as folder:
        command = [
            "unlearn",
            "forget=worst_case",
            "method=retrain",
            f"paths.outputs={folder}",
            "progress=false",
        ]
        with patch.object(sys, "argv", command):
            seconds = timed(main)
    print(f"{'a worst-case run on digits, all in all':56s} {seconds:6.1f} s", flush=True)


@contextmanager
def origins(*overrides: str) -> Iterator[Origins]:
    """A run of these overrides, its store in a folder that goes again."""
    with TemporaryDirectory() as folder, initialize_config_dir(str(conf_folder()), version_base="1.3"):
        config = compose(
            "config", [*overrides, f"paths.outputs={folder}", "progress=false"], return_hydra_config=True
        )
        choices = chosen_options(config.hydra.runtime.choices)
        with open_dict(config):
            del config["hydra"]
        experiment = read(config, choices)
        compute = experiment.compute()
        yield Origins.of(experiment, compute, Store(experiment.paths.store, compute))


if __name__ == "__main__":
    measure()
