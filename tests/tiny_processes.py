"""The command on a problem of a second, in other processes that can be killed or work together."""

import multiprocessing
import os
import signal
import socket
from pathlib import Path
from typing import Any
from unittest.mock import patch

import torch
from tiny_run import unlearn

PRELOADED = (
    *(f"unlearn_cli.{module}" for module in ("run", "compare.table", "data.digits")),
    *(
        f"unlearn_cli.models.{module}"
        for module in (
            *("classifiers.resnet_cifar", "classifiers.timm_models"),
            *("diffusion.unet", "diffusion.tiny_text_to_image"),
        )
    ),
    "unlearn_cli.evaluation.diffusion.generation",
    "unlearn_cli.evaluation.diffusion.text_to_image",
    "unlearn_cli.evaluation.clip.evaluation",
    "unlearn_cli.models.clip.tiny_clip",
    "unlearn_cli.models.vlm.tiny_vlm",
    "unlearn_cli.evaluation.vlm.evaluation",
    "torchmetrics.image.fid",
    "torchmetrics.image.kid",
)

# Children of a server that has imported everything start at once and can be killed like any process.
processes = multiprocessing.get_context("forkserver")
processes.set_forkserver_preload(list(PRELOADED))


def signalled(number: int, file: str, count: int, *arguments: str) -> int:
    """Run the command in a process that gets a signal as it puts a file of that name in place for the
    count-th time (the new content lies beside it under a temporary name). Gives its exit code."""
    process = processes.Process(
        target=_signalled, args=(torch.get_num_threads(), number, file, count, arguments)
    )
    process.start()
    process.join()
    assert process.exitcode is not None
    return process.exitcode


def together(world: int, function: Any, *arguments: Any) -> list[int]:
    """Call `function(*arguments)` in as many processes of one gloo group; their exit codes."""
    port = _free_port()
    group = [
        processes.Process(target=_ranked, args=(rank, world, port, function, arguments))
        for rank in range(world)
    ]
    for process in group:
        process.start()
    for process in group:
        process.join()
    return [process.exitcode for process in group]


def _signalled(threads: int, number: int, file: str, count: int, arguments: tuple[str, ...]) -> None:
    torch.set_num_threads(threads)  # the bits of a sum depend on it
    replace, seen = Path.replace, 0

    def replacing(self: Path, target: Path) -> Path:
        nonlocal seen
        seen += target.name == file
        if target.name == file and seen == count:
            os.kill(os.getpid(), number)
        return replace(self, target)

    with patch.object(Path, "replace", replacing):
        unlearn(*arguments)


def _ranked(rank: int, world: int, port: int, function: Any, arguments: Any) -> None:
    os.environ |= {
        "RANK": str(rank),
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(world),
        "LOCAL_WORLD_SIZE": str(world),
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "OMP_NUM_THREADS": "1",
    }
    signal.alarm(120)  # a group that waits for ever ends all the same
    function(*arguments)


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]
