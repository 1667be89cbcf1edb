"""Times the whole evaluation of a run the size of CIFAR-10: 45,000 train and 10,000 test rows, 10 classes.

Logits are synthetic, as confident as a trained ResNet-18's (members near 1, test accuracy near 94 %).
Run: .venv/bin/python -m scripts.benchmarks.evaluation
"""

import os
import platform
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unlearn_cli.data.splits import Sets
from unlearn_cli.evaluation.accuracy import accuracy, per_class
from unlearn_cli.evaluation.agreement import agreement
from unlearn_cli.evaluation.classification.mia import MIASettings, mia
from unlearn_cli.evaluation.gaps import compared

CLASSES = 10
FEATURES = ("confidence", "correctness", "entropy", "m_entropy", "prob")
LABELS = np.random.default_rng(0).integers(0, CLASSES, 60000)
SEEN, UNSEEN = (0.9999, 13.0, 2.0), (0.93, 10.0, 4.0)  # accuracy, mean and spread of the winning logit


def main() -> None:
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    for percent in (10, 50):
        measure(percent)


def measure(percent: int) -> None:
    sets = division(percent / 100)
    model = logits(1, {"retain": SEEN, "forget": (0.97, 9.0, 4.0)}, sets)
    oracle = logits(2, {"retain": SEEN}, sets)
    print(f"\nforget {percent} % ({len(sets.forget)} rows)")
    for name in FEATURES:
        timed(f"  MIA {name}", mia, model, LABELS, sets, settings((name,), False))
    timed("  MIA leak-free", mia, model, LABELS, sets, settings((), True))
    timed("  as configured (confidence, leak-free)", whole, model, oracle, sets, FEATURES[:1])
    timed("  all metrics", whole, model, oracle, sets, FEATURES)


def division(fraction: float) -> Sets:
    rows = np.random.default_rng(1).permutation(50000)
    train, val = np.sort(rows[:45000]), np.sort(rows[45000:])
    forget = np.sort(rows[: round(fraction * 45000)])
    return Sets(
        train=train,
        val=val,
        test=np.arange(50000, 60000),
        forget=forget,
        retain=np.setdiff1d(train, forget),
        test_forgotten=np.array([], dtype=np.int64),
        split="benchmark",
        fingerprint="benchmark",
    )


def logits(seed: int, parts: dict[str, tuple[float, float, float]], sets: Sets) -> Tensor:
    rng = np.random.default_rng(seed)
    values = rng.normal(0, 1.2, (60000, CLASSES))
    for part in ("retain", "forget", "val", "test"):
        rows = getattr(sets, part)
        right, mean, spread = parts.get(part, UNSEEN)
        height = mean + spread * rng.standard_normal(len(rows))
        wrong = rng.random(len(rows)) > right
        winner = (LABELS[rows] + wrong * rng.integers(1, CLASSES, len(rows))) % CLASSES
        values[rows, winner] += np.where(wrong, height / 2, height)
        values[rows, LABELS[rows]] += np.where(wrong, height / 4, 0)
    return torch.tensor(values, dtype=torch.float32)


def settings(features: tuple[str, ...], leak_free: bool) -> MIASettings:
    return MIASettings(features=features, members="first", max_samples=None, leak_free=leak_free, seed=0)


def whole(model: Tensor, oracle: Tensor, sets: Sets, features: tuple[str, ...]) -> dict[str, Any]:
    values = accuracy(model, LABELS, sets) | mia(model, LABELS, sets, settings(features, True))
    values |= agreement(model, oracle, sets.parts)
    per_class(model, LABELS, sets.test, CLASSES)
    return compared(values, values, values, CLASSES)["metrics"]


def timed(name: str, action: Callable[..., Any], *arguments: Any) -> None:
    wall, cpu = time.perf_counter(), time.process_time()
    action(*arguments)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    print(f"{name:42s} {wall:6.2f} s, {cpu:6.2f} s of CPU", flush=True)


if __name__ == "__main__":
    main()
