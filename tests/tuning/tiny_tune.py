"""`unlearn tune` on a problem of a second, in this process."""

import json
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tiny_commands import TINY

from unlearn_cli.cli import main
from unlearn_cli.evaluation.classification.evaluation import ClassifierEvaluation

SMALL = (*TINY, "data.subset=0.1", "train.epochs=1")
VALUES = Path("tuned", "values", "classification", "digits", "random")


def tune(outputs: Path, *arguments: str) -> None:
    """Run the command, without figures; `into` is a folder of `outputs`, whose store is the runs'."""
    own = ("tune", f"paths.outputs={outputs}", f"into={outputs / 'tuned'}", *SMALL)
    with ExitStack() as patches:
        patches.enter_context(patch.object(ClassifierEvaluation, "figures", lambda *_: []))
        patches.enter_context(patch.object(sys, "argv", ["unlearn", *own, *arguments]))
        main()


def record(outputs: Path, method: str) -> dict[str, Any]:
    """Of all trials of a method."""
    found: dict[str, Any] = json.loads((outputs / VALUES / f"{method}.json").read_text())
    return found
