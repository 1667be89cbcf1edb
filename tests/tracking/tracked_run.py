"""A run to track, and what W&B's own reader finds of it on disk."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import wandb
import yaml
from wandb.util import get_core_path

from unlearn_cli.tracking import RunInfo, Tracker, WandbSettings, WandbTracker

CONF = Path(__file__).parents[2] / "conf" / "tracking"
KEY = "k" * 40
INFO = RunInfo(
    id="salun-0f3a",
    name="digits-salun-s0",
    group="digits/resnet20/random",
    job_type="unlearn",
    tags=("salun", "digits"),
    config={"method": {"name": "salun", "lr": 0.1}, "git": "abc123", "versions": {"torch": "2"}},
)


def use(monkeypatch: pytest.MonkeyPatch, url: str, key: str = KEY) -> None:
    monkeypatch.setenv("WANDB_BASE_URL", url)
    monkeypatch.setenv("WANDB_API_KEY", key)


def settings(**changes: Any) -> WandbSettings:
    values = yaml.safe_load((CONF / "wandb.yaml").read_text())
    assert values.pop("_target_") == "unlearn_cli.tracking.WandbSettings"
    return WandbSettings(**(values | changes))


def records(tracker: Tracker) -> list[dict[str, Any]]:
    """What W&B's own reader finds in the run's file on disk."""
    assert isinstance(tracker, WandbTracker)
    return read(tracker.folder)


def read(folder: str | Path) -> list[dict[str, Any]]:
    """As `wandb leet inspect --json` without the second that its Python takes to start."""
    (file,) = Path(folder).glob("run-*.wandb")
    command = (get_core_path(), "leet", "inspect", "--no-observability", "--json", "--run-file", file, folder)
    return [json.loads(line) for line in _output(folder, *command).splitlines()]


def offline(outputs: Path) -> list[Path]:
    """The folders of all offline runs under a folder, in the order of their starts for each."""
    return sorted(folder for folder in outputs.rglob("offline-run-*") if folder.is_dir())


def sync(outputs: Path) -> list[Path]:
    """Send all offline runs under a folder to the server that the environment names; their folders."""
    wandb.teardown()  # the client writes its files a moment after `finish`
    _output(outputs, Path(sys.executable).with_name("wandb"), "sync", *offline(outputs))
    return offline(outputs)


def _output(where: str | Path, *command: str | Path) -> str:
    """That of a command of W&B's, which writes a log to where it is called."""
    return subprocess.run(command, cwd=where, capture_output=True, text=True, check=True).stdout


def rows(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [r["history"]["item"] for r in found if r["type"] == "history"]


def run_of(found: list[dict[str, Any]]) -> dict[str, Any]:
    return next(r["run"] for r in found if r["type"] == "run")


def summary_of(found: list[dict[str, Any]]) -> dict[str, Any]:
    return {k: v for r in found if r["type"] == "summary" for k, v in r["summary"]["update"].items()}


def exit_codes(found: list[dict[str, Any]]) -> list[int]:
    return [r["exit"]["exit_code"] for r in found if r["type"] == "exit"]


def folders(path: Path, kind: str) -> list[Path]:
    return [p for p in (path / "wandb").glob(f"{kind}run-*") if p.is_dir()]


def sample(row: int) -> dict[str, Any]:
    return {
        "image": np.full((8, 8, 1), row % 256, np.uint8),
        "label": "3",
        "original": "3",
        "unlearned": "5",
        "oracle": str(row),
    }
