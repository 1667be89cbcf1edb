"""Where a run computes: device, precision, memory layout, processes (through accelerate)."""

import inspect
import logging
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import timedelta
from typing import Any, Literal, TypeVar

import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState
from accelerate.utils import (
    InitProcessGroupKwargs,
    broadcast,
    broadcast_object_list,
    extract_model_from_parallel,
    gather_object,
)
from torch import Tensor, nn
from torch.amp import GradScaler
from torch.nn.parallel import DistributedDataParallel

from unlearn_cli.errors import InputError
from unlearn_cli.runtime import threads
from unlearn_cli.runtime.heap import keep_freed_memory
from unlearn_cli.runtime.narrow_convolutions import keep_out_of_channels_last

Device = Literal["auto", "cpu", "cuda"]
Precision = Literal["auto", "fp32", "bf16", "fp16"]
Read = TypeVar("Read")

log = logging.getLogger("unlearn")

TOLD_AFTER = 20.0  # seconds
PATIENCE = timedelta(days=2)  # others wait while the main process waits for a store entry in the making
# Syncing in the forward would change buffers that a first forward's backward needs. PyTorch renamed it.
RENAMED = "forward_sync_buffers" in inspect.signature(DistributedDataParallel).parameters
NO_SYNC: dict[str, Any] = {"forward_sync_buffers" if RENAMED else "broadcast_buffers": False}


class Compute:
    """Device, precision and process group of a run.

    Args:
        device: `auto` takes CUDA where there is one.
        precision: `auto` is bf16 on a GPU that has it; on a CPU fp32, unless `unlearn_cli.precision` finds
            the model faster in bf16. Master weights are fp32 always.
        channels_last: NHWC memory layout for images and convolutions.
        compile: pass models through `torch.compile` while they train.

    Raises:
        InputError: CUDA asked for and absent; fp16 without a GPU.
    """

    def __init__(self, device: Device, precision: Precision, channels_last: bool, compile: bool):
        if device == "cuda" and not torch.cuda.is_available():
            raise InputError(
                "device: 'cuda' asked for, but PyTorch finds no CUDA device here; use device=cpu"
            )
        on_gpu = device != "cpu" and torch.cuda.is_available()
        keep_freed_memory()
        threads.take(threads.most())
        self.undecided = precision == "auto" and not on_gpu
        """Whether `precision` stands for `auto`, which no one has settled for the model."""
        if precision == "auto":
            precision = "bf16" if on_gpu and torch.cuda.is_bf16_supported() else "fp32"
        if precision == "fp16" and not on_gpu:
            raise InputError(
                "precision: 'fp16' needs a GPU (loss scaling); use precision=bf16 or fp32 on a CPU"
            )
        self.precision: Precision = precision
        self.channels_last = channels_last
        self.compile = compile
        AcceleratorState._reset_state()  # runs of one sweep in one process may differ in device
        with _telling_of_a_wait():
            self.accelerator = Accelerator(
                mixed_precision="no",  # `autocast` is ours: the precision may be settled later
                cpu=not on_gpu,
                kwargs_handlers=[InitProcessGroupKwargs(timeout=PATIENCE)],
            )
        self.device = self.accelerator.device if on_gpu else torch.device("cpu")  # not "cpu:0"

    @property
    def world(self) -> int:
        return self.accelerator.num_processes

    @property
    def rank(self) -> int:
        return self.accelerator.process_index

    @property
    def is_main(self) -> bool:
        return self.accelerator.is_main_process

    def autocast(self) -> AbstractContextManager[None]:
        lower = torch.float16 if self.precision == "fp16" else torch.bfloat16
        return torch.autocast(self.device.type, lower, enabled=self.precision != "fp32")

    def scaler(self) -> GradScaler:
        """Scales the loss so that fp16 gradients do not vanish; does nothing in other precisions."""
        return GradScaler(self.device.type, enabled=self.precision == "fp16")

    def place(self, model: nn.Module) -> nn.Module:
        """The model on the device, in the run's memory layout."""
        layout = torch.channels_last if self.channels_last else torch.contiguous_format
        placed: nn.Module = model.to(self.device, memory_format=layout)  # type: ignore[call-overload]
        if self.channels_last and self.device.type == "cpu":
            keep_out_of_channels_last(placed)
        return placed

    def layout(self, x: Tensor) -> Tensor:
        return x.contiguous(memory_format=torch.channels_last) if self.channels_last and x.ndim == 4 else x

    def wrapped(self, model: nn.Module) -> nn.Module:
        """What the training loop calls: compiled if asked for, gradients averaged over the processes."""
        called: Any = torch.compile(model) if self.compile else model
        if self.world == 1:
            return called
        ids = [self.device.index] if self.device.type == "cuda" else None
        return DistributedDataParallel(called, device_ids=ids, **NO_SYNC)

    def same_buffers(self, model: nn.Module) -> None:
        """Give every process the main one's buffers: each gathers batch-norm statistics on its own share."""
        if self.world > 1:
            broadcast(list(model.buffers()))

    def broadcast(self, value: Any) -> Any:
        """The main process's value, on every process."""
        return broadcast_object_list([value])[0] if self.world > 1 else value

    def main_first(self, read: Callable[[], Read]) -> Read:
        """What it reads, on every process: the main one sets aside what is damaged before others look."""
        if self.is_main:
            found = read()
            self.barrier()
            return found
        self.barrier()
        return read()

    def gather(self, values: list[Any]) -> list[Any]:
        """The lists of all processes, joined in the order of their ranks, on every process."""
        return gather_object(values) if self.world > 1 else values

    def mean(self, value: Tensor) -> Tensor:
        """The tensor's mean over the processes, on every process."""
        return self.accelerator.reduce(value, "mean")

    def any(self, flag: bool) -> bool:
        """Whether the flag is set on any process; the same answer on all of them."""
        return any(self.gather([flag]))

    def barrier(self) -> None:
        self.accelerator.wait_for_everyone()


@contextmanager
def _telling_of_a_wait() -> Iterator[None]:
    """Processes that never come are waited for as long as those that are late: say so."""
    rank, world = (os.environ.get(name, "?") for name in ("RANK", "WORLD_SIZE"))
    line = (
        "process %s of %s (RANK, WORLD_SIZE) waits for the others; if there are none, unset these variables"
    )
    timer = threading.Timer(TOLD_AFTER, log.warning, (line, rank, world))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def unwrapped(model: nn.Module) -> Any:
    """The model itself, where it is wrapped for several processes or compiled."""
    return extract_model_from_parallel(model, keep_torch_compile=False)
