"""Models of a pool made side by side: in as many processes of one thread each as the run has threads.

A small model gains little by a second thread. The processes meet in the store, whose locks part their work.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from omegaconf import OmegaConf

from unlearn_cli.config.importing import imported
from unlearn_cli.experiment import Experiment, read
from unlearn_cli.origins import Origins
from unlearn_cli.runtime import threads
from unlearn_cli.runtime.compute import Compute
from unlearn_cli.runtime.stopping import stop_signals
from unlearn_cli.storage.store import Store

START_SECONDS = 10
"""What it takes a process to begin: it imports everything and reads the data."""
MOST = 16
POLL_SECONDS = 1.0


def pays(compute: Compute, seconds: float) -> bool:
    """Whether work of so many seconds for one process is better done by several."""
    alone_on_a_cpu = compute.device.type == "cpu" and compute.world == 1
    return alone_on_a_cpu and processes() > 1 and seconds > 6 * START_SECONDS


def processes() -> int:
    """How many there are."""
    return min(threads.most(), MOST)


@contextmanager
def working(
    experiment: Experiment, pool: type, numbers: Sequence[int], unlearned: bool
) -> Iterator[Callable[[], bool]]:
    """Processes make the margins of these numbers of the pool; what it gives tells whether any is at work.

    They are asked to stop where the block is left. One that fails says nothing: who makes what is missing
    then comes to the same error.
    """
    count = min(processes(), len(numbers))
    told = {
        "config": experiment.config,
        "choices": experiment.choices,
        "pool": f"{pool.__module__}.{pool.__qualname__}",
        "unlearned": unlearned,
    }
    begun = [_begun(told | {"numbers": list(numbers[first::count])}) for first in range(count)]
    try:
        yield lambda: any(process.poll() is None for process in begun)
    finally:
        for process in begun:
            process.terminate()
        for process in begun:
            process.wait()


def _begun(told: dict[str, Any]) -> "subprocess.Popen[bytes]":
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path), "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-c", f"from {__name__} import work; work()"],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert process.stdin
    process.stdin.write(json.dumps(told).encode())
    process.stdin.close()
    return process


def work() -> None:
    """What such a process does; it ends early if the one that began it is gone."""
    told, parent = json.load(sys.stdin), os.getppid()
    torch.set_num_threads(1)
    with stop_signals():
        experiment = read(OmegaConf.create(told["config"]), told["choices"])
        compute = experiment.compute()
        origins = Origins.of(experiment, compute, Store(experiment.paths.store, compute))
        pool: Any = imported(told["pool"], "pool")(origins)
        for number in told["numbers"]:
            if os.getppid() != parent:
                return
            pool.margins(number, told["unlearned"])
