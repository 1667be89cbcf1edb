"""What precision=auto is on a CPU: bf16 where a classifier's training step is faster in it, measured once."""

import logging
import time
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.experiment import Experiment
from unlearn_cli.runtime.compute import Compute, Precision
from unlearn_cli.runtime.cpu import cpu_name, may_have_bf16
from unlearn_cli.storage.files import read_json, write_json
from unlearn_cli.storage.store import Store
from unlearn_cli.tasks.classification import Classification

log = logging.getLogger("unlearn")

LEAST_FLOPS = 1e8
"""Of a forward pass of one image: models below it gain next to nothing, and stay what they are on any CPU."""
LEAST_GAIN = 1.2
"""How many times as fast a step must be in bf16."""
MEASURED_FLOPS = 5e9
"""Of the forward pass that is measured: with its backward pass some 0.2 s of one core."""
ROUNDS = 3
SECONDS = "seconds.json"


def decide(experiment: Experiment, spec: ImageSpec, compute: Compute) -> None:
    """Settle what `auto` is, where the model has to be known for it; the same on all processes.

    Other models than classifiers stay in fp32 on a CPU: what they draw or say is judged in the precision of
    the run, a classifier always in fp32.
    """
    if compute.undecided and isinstance(experiment.task, Classification):
        compute.precision = compute.broadcast(
            _measured(experiment, spec, compute) if compute.is_main else None
        )
    compute.undecided = False


def is_measured(experiment: Experiment, spec: ImageSpec) -> bool:
    """Whether `decide` has done so on a CPU like this one, which it does for large models alone."""
    return Store(experiment.paths.store).find("precision", _facts(experiment, spec)) is not None


def image_flops(experiment: Experiment, spec: ImageSpec, compute: Compute) -> float:
    """Floating-point operations of a forward pass of one image."""
    with torch.random.fork_rng(devices=[]):
        return forward_flops(_blank(experiment, spec, compute), _images(2, spec, compute)) / 2


def remembered(experiment: Experiment, spec: ImageSpec) -> Precision:
    """What `decide` has found on a CPU like this one; fp32 if it was never asked."""
    store, facts = Store(experiment.paths.store), _facts(experiment, spec)
    entry = store.find("precision", facts) if isinstance(experiment.task, Classification) else None
    return _faster(read_json(entry / SECONDS)) if entry else "fp32"


def step_seconds(model: nn.Module, x: Tensor, y: Tensor) -> dict[str, float]:
    """Seconds of a forward and a backward pass, in fp32 and in bf16: the least of several rounds in turn.

    Seconds of the processor, which other processes lengthen least.
    """
    found = {"fp32": float("inf"), "bf16": float("inf")}
    model.train()
    for number in range(1 + ROUNDS):
        for precision in found:
            start = time.process_time()
            with torch.autocast("cpu", torch.bfloat16, enabled=precision == "bf16"):
                loss = F.cross_entropy(model(x).float(), y)
            loss.backward()
            seconds = time.process_time() - start
            if number:  # the first round prepares what both need
                found[precision] = min(found[precision], seconds)
            model.zero_grad()
    return found


def forward_flops(model: nn.Module, x: Tensor) -> int:
    """Floating-point operations of a forward pass; two for each multiplication with its addition."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model.eval()(x)
    return counter.get_total_flops()


def _measured(experiment: Experiment, spec: ImageSpec, compute: Compute) -> Precision:
    """Of this CPU, from the store if it was measured before."""
    store, facts = Store(experiment.paths.store), _facts(experiment, spec)
    if not is_measured(experiment, spec):
        if image_flops(experiment, spec, compute) < LEAST_FLOPS:
            return "fp32"
        if not may_have_bf16():  # which would be emulated, in ten times fp32's time
            log.info("precision=auto is fp32: this processor has no bf16 (%s)", cpu_name())
            return "fp32"

    def make(folder: Path) -> None:
        count = max(2, round(MEASURED_FLOPS / image_flops(experiment, spec, compute)))
        with torch.random.fork_rng(devices=[]):
            model, images = _blank(experiment, spec, compute), _images(count, spec, compute)
            found = step_seconds(model, images, torch.arange(count) % len(spec.classes))
        write_json(folder / SECONDS, found | {"images": count})

    seconds = read_json(store.get("precision", facts, make) / SECONDS)
    precision = _faster(seconds)
    told = "precision=auto is %s: a step of %d images takes %.3f s in fp32, %.3f s in bf16 (%s)"
    log.info(told, precision, seconds["images"], seconds["fp32"], seconds["bf16"], cpu_name())
    return precision


def _blank(experiment: Experiment, spec: ImageSpec, compute: Compute) -> nn.Module:
    return compute.place(experiment.model.build(spec))


def _images(count: int, spec: ImageSpec, compute: Compute) -> Tensor:
    return compute.layout(torch.rand(count, spec.channels, *spec.size))


def _faster(seconds: dict[str, float]) -> Precision:
    return "bf16" if seconds["fp32"] >= LEAST_GAIN * seconds["bf16"] else "fp32"


def _facts(experiment: Experiment, spec: ImageSpec) -> dict[str, Any]:
    """What the ratio depends on; the number of threads hardly moves it."""
    return {
        "cpu": cpu_name(),
        "torch": torch.__version__,
        "model": experiment.model.facts(),
        "images": [len(spec.classes), spec.channels, *spec.size],
        "channels_last": experiment.channels_last,
    }
