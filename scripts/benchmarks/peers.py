"""What the comparisons with other people's code share: a part of CIFAR-10, clocks, a table and its file.

Both sides have the same network, images, epochs and threads, and run one after the other, in short turns, in
one process. The seconds are the least of the turns: of the processor with one thread (a shared machine
disturbs them least), else of the clock.
"""

import argparse
import contextlib
import copy
import io
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import torch
from omegaconf import OmegaConf
from torch import nn
from torchvision.datasets import CIFAR10

import unlearn_cli
from unlearn_cli.experiment import read
from unlearn_cli.methods.saliency import saliency, threshold
from unlearn_cli.origins import Origins
from unlearn_cli.runtime.cpu import cpu_name
from unlearn_cli.storage.store import Store
from unlearn_cli.tasks.monitor import glances
from unlearn_cli.training.mask import Mask

ALL = 60_000
"""Images of CIFAR-10."""


def asked(description: str | None, *parts: str) -> argparse.Namespace:
    """The command's arguments; parts: those that may be timed alone."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("checkout", type=Path, help="folder of their code")
    parser.add_argument("data", type=Path, help="folder of CIFAR-10 (parquet)")
    parser.add_argument("--images", type=int, default=600, help="of CIFAR-10's 60,000, all parts together")
    parser.add_argument("--turns", type=int, default=2, help="of each side")
    parser.add_argument("--json", type=Path, help="file for the numbers")
    parser.add_argument("--parts", nargs="+", choices=parts, default=parts, help="that are timed")
    return parser.parse_args()


class Pictures(CIFAR10):
    """Rows of our data as torchvision's CIFAR-10, whose reading of an image both of the others use."""

    def __init__(self, origins: Origins, rows: np.ndarray, transform: Callable[[Any], Any]):
        self.data = np.stack([origins.data.image(row) for row in rows])
        self.targets = origins.data.labels[rows]
        self.transform, self.target_transform, self.train = transform, None, False


class Ours:
    """Our side: the parts of one run in a precision, on the same network."""

    def __init__(
        self, asked: argparse.Namespace, folder: Path, precision: str, *overrides: str, watched: str = ""
    ):
        """watched: the part of the rows that is looked at after each epoch."""
        config, choices = unlearn_cli.compose(
            "data=cifar10",
            f"data.path={asked.data.absolute()}",
            f"data.subset={asked.images / ALL}",
            "model=resnet18",
            f"precision={precision}",
            "progress=false",
            "checkpoint_minutes=60",
            "eval.mia.features=[correctness,confidence,entropy,m_entropy,prob]",
            "eval.mia.leak_free=false",
            f"paths.outputs={folder}",
            *overrides,
        )
        self.folder, self.watched = folder, watched
        self.experiment = experiment = read(OmegaConf.create(config), choices)
        compute = experiment.compute()
        self.origins = Origins.of(experiment, compute, Store(experiment.paths.store, compute))
        splits = self.origins.splits  # a subset is one of the training rows
        self.origins.splits = replace(splits, test=splits.test[: asked.images // 6])

    def model(self, network: nn.Module) -> nn.Module:
        return self.origins.compute.place(copy.deepcopy(network))

    def mask(self, network: nn.Module) -> None:
        """Scores of the forget set, and masks of ten fractions."""
        trainer = self._trainer()
        rows, batch = self.origins.sets.forget, self.experiment.mask.batch_size
        scores = saliency(self.experiment.task, self.model(network), rows, trainer, batch)
        for tenth in range(1, 11):
            threshold(scores, tenth / 10)

    def unlearn(self, network: nn.Module) -> None:
        """The method; where it has a mask, half of the weights move."""
        trainer = self._trainer()
        if self.experiment.mask.scored:
            names = dict(network.named_parameters()).items()
            trainer.mask = Mask({name: torch.rand_like(p) < 0.5 for name, p in names}, "hard")
        if self.watched:
            rows = getattr(self.origins.sets, self.watched)
            trainer.monitor = glances(self.experiment.task, trainer, {self.watched: rows})
        (self.folder / "unlearn.resume.pt").unlink(missing_ok=True)
        self.experiment.method.unlearn(self.experiment.task, self.model(network), self.origins.sets, trainer)

    def evaluate(self, network: nn.Module) -> None:
        evaluation, model = self.experiment.eval, self.model(network)
        outputs = evaluation.outputs(self.origins, model, self.folder)
        evaluation.metrics(self.origins, model, outputs, self.folder)

    def _trainer(self) -> Any:
        sets = self.origins.sets
        return self.origins.trainer(self.folder, sets.is_forget(len(self.origins.data)), stage="method")


def without_cuda() -> None:
    """Their code calls `.cuda()` throughout: where there is none, this leaves things where they are."""
    if not torch.cuda.is_available():
        for kind in (torch.Tensor, nn.Module):
            kind.cuda = lambda self, *_, **__: self  # type: ignore[method-assign,assignment]


Sides = Mapping[str, Callable[[], object]]


def in_turns(parts: Mapping[str, Sides], turns: int) -> Iterator[dict[str, Any]]:
    """A row for each part: the least seconds of every side."""
    clock = time.process_time if torch.get_num_threads() == 1 else time.perf_counter
    for part, sides in parts.items():
        seconds = dict.fromkeys(sides, float("inf"))
        for _ in range(turns):
            for side, action in sides.items():
                with contextlib.redirect_stdout(io.StringIO()):
                    start = clock()
                    action()
                    if torch.cuda.is_available():
                        torch.cuda.synchronize()
                    seconds[side] = min(seconds[side], clock() - start)
        theirs = next(iter(seconds.values()))
        ratios = {side: round(theirs / value, 2) for side, value in seconds.items()}
        row = {"part": part, "seconds": {s: round(v, 3) for s, v in seconds.items()}, "times_as_fast": ratios}
        told = "  ".join(f"{side} {seconds[side]:.2f} s ({ratios[side]:.2f} x)" for side in sides)
        print(f"{part:28s} {told}", flush=True)
        yield row


def report(asked: argparse.Namespace, what: str, rows: list[dict[str, Any]], **facts: Any) -> None:
    """Write the numbers with what they are of."""
    gpu = torch.cuda.get_device_name() if torch.cuda.is_available() else None
    one = torch.get_num_threads() == 1
    told = {
        "what": what,
        "date": date.today().isoformat(),
        "commit": head(Path(__file__).parent),
        "reference": head(asked.checkout),
        "machine": gpu or f"{os.cpu_count()} cores, {cpu_name()}",
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "clock": f"{'processor' if one else 'wall'} seconds, the least of {asked.turns} turns",
        **facts,
        "rows": rows,
    }
    if asked.json:
        asked.json.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def head(checkout: Path) -> str | None:
    done = subprocess.run(
        ["git", "-C", str(checkout), "rev-parse", "--short", "HEAD"], capture_output=True, encoding="utf-8"
    )
    return done.stdout.strip() or None
