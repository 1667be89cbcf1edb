"""Times `unlearn-compare` over 1,000 made-up runs, as a user calls it: start-up, reading, statistics, output.

Run: .venv/bin/python -m scripts.benchmarks.compare
"""

import os
import platform
import random
import statistics
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from scripts.benchmarks.timing import timed
from unlearn_cli.evaluation.gaps import to_oracle
from unlearn_cli.storage.files import write_json

ROUNDS = 3
METHODS, FRACTIONS, LEARNING_RATES, SEEDS = 10, (0.1, 0.3, 0.4, 0.5), 5, 5
COMMAND = (sys.executable, "-m", "unlearn_cli.compare.command")


def main() -> None:
    print(f"{platform.machine()}, {os.cpu_count()} CPU cores, python {platform.python_version()}")
    with TemporaryDirectory() as folder:
        outputs = Path(folder) / "outputs"
        count = sum(1 for _ in made(outputs))
        print(f"{count} runs in {len(FRACTIONS)} settings, {count // SEEDS} rows")
        report("--help", "--help")
        report("terminal", str(outputs))
        report("all metrics", str(outputs), "--metrics", "all")
        report("CSV, Markdown, LaTeX", str(outputs), *files(folder, "csv", "markdown", "latex"))
        report("HTML page", str(outputs), *files(folder, "html"))
        report("bootstrap", str(outputs), "--interval", "bootstrap")


def files(folder: str, *formats: str) -> list[str]:
    return [word for name in formats for word in (f"--{name}", f"{folder}/table.{name}")]


def report(name: str, *arguments: str) -> None:
    """The median over rounds of the command's seconds, in a process of its own."""

    def command() -> None:
        subprocess.run([*COMMAND, *arguments], check=True, stdout=subprocess.DEVNULL)

    times = [timed(command) for _ in range(ROUNDS)]
    print(f"{name:24s} {statistics.median(times):6.2f} s", flush=True)


def made(outputs: Path) -> Any:
    """Run folders as `unlearn` leaves them, with random numbers; yields each."""
    numbers = random.Random(0)
    for fraction in FRACTIONS:
        for seed in range(SEEDS):
            original, oracle = quality(numbers), quality(numbers)
            for method in range(METHODS):
                for rate in range(LEARNING_RATES):
                    folder = outputs / f"classification/digits/m{method}-s{seed}-{fraction}-{rate}"
                    config = configuration(f"m{method}", seed, fraction, 10.0**-rate)
                    result = finished(f"m{method}", seed, quality(numbers), original, oracle)
                    write_json(folder / "metrics.json", result)
                    write_json(folder / "status.json", {"state": "finished", "reason": None})
                    (folder / "config.yaml").write_text(
                        yaml.safe_dump(config, sort_keys=False), encoding="utf-8"
                    )
                    yield folder


def quality(numbers: random.Random) -> dict[str, float]:
    return {name: numbers.uniform(0, 100) for name in ("UA", "RA", "TA", "VA", "MIA", "MIA_leak_free")}


def configuration(method: str, seed: int, fraction: float, rate: float) -> dict[str, Any]:
    """About as many keys as a real run's configuration has."""
    recipe = {"optimizer": "sgd", "momentum": 0.9, "weight_decay": 5e-4, "schedule": "cosine", "decay": 0.1}
    recipe |= {"milestones": [], "clip_norm": None, "ema": None, "max_steps": None, "batch_size": 64}
    return {
        "model": {"_target_": "models.ResNet", "depth": 20, "width": 16},
        "train": recipe | {"epochs": 30, "lr": 0.1},
        "eval": {
            "_target_": "evaluation.Classifier",
            "mia": {"features": ["confidence"], "members": "random", "leak_free": True, "seed": 0},
            "save_logits": False,
            "predictions": 100,
        },
        "data": {
            "_target_": "data.Digits",
            "name": "digits",
            "split_seed": 0,
            "val_fraction": 0.3,
            "augment": {"crop_padding": 0, "flip": False, "random_resized": False},
        },
        "forget": {"_target_": "forget.Random", "fraction": fraction, "count": None, "seed": seed},
        "mask": {"_target_": "masks.None"},
        "method": recipe | {"_target_": f"methods.{method}", "epochs": 5, "lr": rate},
        "task": {"_target_": "tasks.Classification"},
        "seed": seed,
        "device": "auto",
        "precision": "auto",
        "oracle": True,
        "expected": None,
        "paths": {"outputs": "outputs", "store": "outputs/store", "data": None},
    }


def finished(
    method: str, seed: int, metrics: dict[str, float], original: dict[str, float], oracle: dict[str, float]
) -> dict[str, Any]:
    cost = {"seconds": 12.0 + seed, "samples": 45_000, "peak_memory_mb": 900.0}
    return {
        "method": method,
        "seed": seed,
        "choices": {
            "task": "classification",
            "data": "digits",
            "model": "resnet20",
            "forget": "random",
            "method": method,
            "mask": "none",
        },
        "metrics": metrics,
        "original": original,
        "oracle": oracle,
        **to_oracle(metrics, oracle),
        "warnings": [],
        "per_class": {model: {str(c): 97.0 for c in range(10)} for model in ("original", method, "oracle")},
        "cost": cost,
        "original_cost": cost,
        "oracle_cost": cost,
        "expected": None,
        "source": None,
    }


if __name__ == "__main__":
    main()
