"""Two processes, a GPU each, do one run together (NCCL): that they end, how long they take, what they learn.

On a machine without a GPU they are two of gloo, which tries the code.
"""

import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from scripts.gpu.part import TINY, NotHere, Row, Wanted
from unlearn_cli.storage.files import read_json

TOGETHER = ("-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2")
WORDS = ("method=salun", "oracle=false", "progress=false")


def measure(wanted: Wanted) -> Iterator[Row]:
    """Raises CalledProcessError: a run failed."""
    if torch.cuda.is_available() and torch.cuda.device_count() < 2:
        raise NotHere("one GPU alone")
    words = (*WORDS, *(TINY if wanted.tiny else ()))
    for name, launcher in (("one process", ()), ("two processes", TOGETHER)):
        seconds, metrics = run(launcher, words)
        yield Row(what=f"{name}: a run of digits, its start counted", value=seconds, unit="s")
        for metric in ("UA", "TA"):
            yield Row(what=f"{name}: {metric}", value=metrics[metric], unit="%")


def run(launcher: Sequence[str], words: Sequence[str]) -> tuple[float, dict[str, float]]:
    """Seconds, and the metrics."""
    with TemporaryDirectory() as folder:
        begun = time.perf_counter()
        command = [sys.executable, *launcher, "-m", "unlearn_cli", *words, f"paths.outputs={folder}"]
        subprocess.run(command, check=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
        seconds = time.perf_counter() - begun
        (found,) = (file for file in Path(folder).rglob("metrics.json") if "store" not in file.parts)
        return seconds, read_json(found)["metrics"]
