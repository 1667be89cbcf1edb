"""The processor: what it is called, how many of its cores this process may use. Imports nothing heavy."""

import math
import os
import platform
from functools import cache
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
CGROUPS = Path("/sys/fs/cgroup")
OWN_CGROUP = Path("/proc/self/cgroup")
BF16_FLAGS = ("avx512_bf16", "amx_bf16", "bf16")
"""How Linux calls a processor's own bf16 instructions (x86 vectors, x86 matrices, Arm)."""
SPINS = "1000"
"""Of a waiting thread of libgomp, some ten microseconds (docs/speed.md has what others take)."""


@cache
def cpu_name() -> str:
    """`AMD EPYC 9654, avx512_bf16`: in a virtual machine a name alone may stand for many processors."""
    told = _told()
    if told is None:
        return platform.processor() or platform.machine()
    flags = _flags(told)
    return ", ".join([told.get("model name", platform.machine()), *(f for f in BF16_FLAGS if f in flags)])


def may_have_bf16() -> bool:
    """Whether the processor has instructions for it, or nobody says what it has."""
    told = _told()
    return told is None or not (flags := _flags(told)) or any(flag in flags for flag in BF16_FLAGS)


def wait_briefly() -> None:
    """To be called before PyTorch is imported: its threads shall spin some microseconds, then sleep.

    They wait for each other at every layer. A thread that spins for long keeps its core from those that work,
    so that two commands at once would take many times as long; one that sleeps at once wakes late, which
    costs small layers a third of their time. What the environment says already stands.
    """
    if "OMP_WAIT_POLICY" not in os.environ:
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"  # libgomp's 0 spins, LLVM's too
        os.environ.setdefault("GOMP_SPINCOUNT", SPINS)


def granted_cores() -> int:
    """Cores that this process may use: by its affinity, and by the quota of its (version 2) control groups.

    PyTorch goes by the affinity alone: in a container with 4 of 64 cores it would start 64 threads.
    """
    try:
        cores = len(os.sched_getaffinity(0))
    except AttributeError:  # not on Linux
        cores = os.cpu_count() or 1
    return max(1, min([cores, *_quotas()]))


def _told() -> dict[str, str] | None:
    """What Linux says of the first core; None: another system."""
    try:
        first = CPUINFO.read_text(encoding="utf-8", errors="replace").partition("\n\n")[0]
    except OSError:
        return None
    lines = [line.partition(":") for line in first.splitlines()]
    return {key.strip(): value.strip() for key, _, value in lines}


def _flags(told: dict[str, str]) -> list[str]:
    """Of x86, or of Arm."""
    return told.get("flags", told.get("Features", "")).split()


def _quotas() -> list[int]:
    """In cores, rounded up, of this process's control group and of those above it."""
    try:
        own = next(
            line for line in OWN_CGROUP.read_text(encoding="utf-8").splitlines() if line.startswith("0::")
        )
    except (OSError, StopIteration):
        return []
    group = CGROUPS / own[len("0::/") :]
    found = []
    for folder in (group, *group.parents):
        if CGROUPS not in (folder, *folder.parents):
            break
        try:
            quota, period = (folder / "cpu.max").read_text(encoding="utf-8").split()
        except (OSError, ValueError):  # the root has none
            continue
        if quota != "max":
            found.append(math.ceil(int(quota) / int(period)))
    return found
