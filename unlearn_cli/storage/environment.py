"""What a run was made with: command, commit, versions, machine."""

import os
import platform
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from unlearn_cli.config.hashing import short_hash
from unlearn_cli.runtime.process import slurm_job
from unlearn_cli.storage.files import read_json

PACKAGE = Path(__file__).parents[1]
FROZEN = PACKAGE / "frozen.json"
"""In the copy of the package that a submitted sweep runs: what git said of the tree it was made from."""

PACKAGES = ("unlearn-cli", "torch", "torchvision", "timm", "datasets", "hydra-core", "scikit-learn", "wandb")


def environment() -> dict[str, Any]:
    """Commit, versions and machine of this process."""
    return {
        "command": sys.argv,
        **(read_json(FROZEN) if FROZEN.exists() else source()),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "host": platform.node(),
        "platform": platform.platform(),
        "job": slurm_job(),
        "devices": os.environ.get("CUDA_VISIBLE_DEVICES"),
        "package": str(PACKAGE),
    }


def source() -> dict[str, Any]:
    """The source tree's commit, and a hash of what differs from it (None: nothing)."""
    changes = _git("status", "--porcelain")
    diff = f"{changes}\n{_git('diff', 'HEAD')}"
    return {
        "commit": _git("rev-parse", "HEAD"),
        "changed": bool(changes),
        "diff": short_hash([diff.encode()]) if changes else None,
    }


def _git(*arguments: str) -> str | None:
    """What git says of the source tree; None where the package is not run from a checkout."""
    command = ["git", "-C", str(PACKAGE), *arguments]
    try:
        answer = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None
