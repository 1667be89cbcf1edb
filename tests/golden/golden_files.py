"""The JSON of golden numbers of a task, beside this file."""

import json
import subprocess
from pathlib import Path
from typing import Any

import torch

FOLDER = Path(__file__).parent
TASKS = ("classification", "generation", "text_to_image", "clip", "vlm")
COMMAND = "scripts/golden --write"


def file(task: str) -> Path:
    return FOLDER / f"{task}.json"


def written(task: str) -> dict[str, dict[str, Any]]:
    """The numbers by case; none where none were written."""
    return json.loads(file(task).read_text())["cases"] if file(task).exists() else {}


def write(task: str, cases: dict[str, dict[str, Any]]) -> None:
    """Put the new file in the old one's place in one go."""
    temporary = file(task).with_suffix(".tmp")
    content = {"made": made(task), "cases": cases}
    temporary.write_text(json.dumps(content, indent=1, sort_keys=True, allow_nan=False) + "\n")
    temporary.replace(file(task))


def made(task: str) -> dict[str, Any]:
    """How and where the numbers were written: on another machine their last digits differ."""
    describe = ("git", "-C", str(FOLDER), "describe", "--always", "--dirty", "--abbrev=12", "--exclude=*")
    commit = subprocess.run(describe, capture_output=True, text=True, check=False)
    return {
        "command": f"{COMMAND} {task}",
        "commit": commit.stdout.strip(),
        "torch": torch.__version__,
        "capability": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
    }
