"""The one run that a command left below outputs/: its folder and what it says."""

import json
from pathlib import Path

GA = ("method=ga", "method.epochs=1", "method.lr=1e-3")
FT = ("method=ft", "method.epochs=1")


def the_run() -> Path:
    """The only run folder."""
    (file,) = Path("outputs").rglob("status.json")
    return file.parent


def status() -> dict:
    return json.loads((the_run() / "status.json").read_text())


def measured() -> dict:
    return json.loads((the_run() / "metrics.json").read_text())["metrics"]
