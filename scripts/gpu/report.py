"""The check's table, and what its JSON holds. One of a GPU belongs into docs/results/gpu/."""

import os
import platform
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from importlib.metadata import PackageNotFoundError, version

from pydantic import BaseModel

from scripts.gpu.told import Told
from unlearn_cli.storage.environment import source

WIDE = 64
"""Letters before a number in the table."""
LIBRARIES = ("torch", "torchvision", "triton", "accelerate", "diffusers", "transformers", "timm")


class Report(BaseModel):
    """All that was measured, and where."""

    title: str = "What one GPU says: its tests, speed, memory, SalUn's row"
    command: str
    commit: str | None
    changed: bool
    date: str
    machine: str
    versions: dict[str, str]
    parts: list[Told] = []


def begun(arguments: Sequence[str]) -> Report:
    """Nothing is measured yet."""
    tree = source()
    return Report(
        command=shlex.join(["scripts/gpu_check", *arguments]),
        commit=tree["commit"],
        changed=tree["changed"],
        date=datetime.now(timezone.utc).date().isoformat(),
        machine=machine(),
        versions={name: found for name in LIBRARIES if (found := _version(name))},
    )


def machine() -> str:
    """The GPUs as their driver tells them, without a process that would hold their memory; the CPU."""
    ask = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    try:
        answer = subprocess.run(ask, capture_output=True, encoding="utf-8", timeout=20, check=True)
        gpus = answer.stdout.splitlines()
    except (OSError, subprocess.SubprocessError):
        gpus = ["no GPU"]
    return "; ".join([*gpus, f"{os.cpu_count()} {platform.machine()} cores"])


def table(found: Told) -> str:
    """A line for the part, one for each number."""
    return "\n".join(_lines(found))


def _lines(found: Told) -> Iterator[str]:
    said = f": {found.said}" if found.said else ""
    yield f"{found.part}: {found.state} ({found.seconds:.0f} of {found.limit:.0f} s){said}"
    for row in found.rows:
        yield f"  {row.what:{WIDE}} {row.value:12,.{_decimals(row.value)}f} {row.unit}"


def _decimals(value: float) -> int:
    """Four digits that say something."""
    return next((decimals for decimals in range(4) if abs(value) >= 10 ** (3 - decimals)), 4)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None
