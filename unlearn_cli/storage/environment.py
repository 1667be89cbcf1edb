"""What a run was made with: command, commit, plug-ins, every library that took part, machine."""

import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, packages_distributions, version
from pathlib import Path
from typing import Any

from unlearn_cli.config.hashing import short_hash
from unlearn_cli.runtime.process import slurm_job
from unlearn_cli.storage.files import read_json

PACKAGE = Path(__file__).parents[1]
FROZEN = PACKAGE / "frozen.json"
"""In the copy of the package that a submitted sweep runs: what git said of the tree it was made from."""

OWN = "unlearn-cli"


def environment(plugins: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Commit, versions and machine of this process; of libraries those that it has imported so far.

    plugins: hash of the source by module.
    """
    return {
        "command": sys.argv,
        **_own_source(),
        "python": platform.python_version(),
        "plugins": dict(plugins or {}),
        "packages": _packages(),
        "host": platform.node(),
        "platform": platform.platform(),
        "job": slurm_job(),
        "devices": os.environ.get("CUDA_VISIBLE_DEVICES"),
        **_computing(),
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


@cache
def _own_source() -> dict[str, Any]:
    """Of the code of this process: what it imported stays as it is while the tree changes."""
    own: dict[str, Any] = read_json(FROZEN) if FROZEN.exists() else source()
    return own


def _git(*arguments: str) -> str | None:
    """What git says of the source tree; None where the package is not run from a checkout."""
    command = ["git", "-C", str(PACKAGE), *arguments]
    try:
        answer = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None


def _packages() -> dict[str, str]:
    """Version by name of everything installed of which this process has imported a module."""
    own = {OWN} if _is_installed() else set()
    imported = {name.partition(".")[0] for name in [*sys.modules]}
    others = {package for name in imported for package in _distributions().get(name, ())}
    return {package: _version(package) for package in sorted(own | others)}


@cache
def _version(package: str) -> str:
    """That of what is installed, parsed once: runs of a sweep ask for some hundred versions each."""
    return version(package)


@cache
def _distributions() -> Mapping[str, list[str]]:
    """The installed packages that a module at the top of Python's path may be of."""
    return packages_distributions()


def _is_installed() -> bool:
    try:
        return bool(_version(OWN))
    except PackageNotFoundError:
        return False


def _computing() -> dict[str, Any]:
    """What PyTorch computes on, once it is imported: device and threads."""
    torch = sys.modules.get("torch")
    if torch is None:
        return {"device": None, "threads": None}
    on_gpu = torch.cuda.is_initialized()
    return {
        "device": torch.cuda.get_device_name() if on_gpu else "cpu",
        "threads": torch.get_num_threads(),
    }
