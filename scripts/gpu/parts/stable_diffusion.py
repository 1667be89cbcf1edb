"""A step and the memory of four methods at Stable Diffusion 1.5's true size: 512 pixels, random weights."""

from collections.abc import Iterator

import torch

from scripts.benchmarks.text_to_image import BATCH, STEPS, images, network, unlearning
from scripts.gpu.memory import fresh_memory, gigabytes
from scripts.gpu.part import Row, Wanted
from unlearn_cli.runtime.compute import Compute

METHODS = ("doco", "salun", "esd", "uce")
CLOSED_FORM = ("uce",)
"""Of these there are no steps: their seconds are of all."""


def measure(wanted: Wanted) -> Iterator[Row]:
    """Latents and embeddings are remembered from a first call that does not count; SalUn has no mask."""
    shrink, side, precision = (20, 128, "fp32") if wanted.tiny else (1, 512, "bf16")
    compute = Compute("auto", precision, channels_last=torch.cuda.is_available(), compile=False)
    model, data = network(shrink, compute), images(side, compute)
    for method in METHODS:
        some_steps = unlearning(method, model, data, compute)
        some_steps()
        fresh_memory(compute.device)
        seconds = some_steps()
        if method in CLOSED_FORM:
            yield Row(what=f"{method}: all of it", value=seconds, unit="s")
        else:
            yield Row(what=f"{method}: a step, batch {BATCH}", value=seconds / STEPS, unit="s")
        yield Row(what=f"{method}: most memory", value=gigabytes(compute.device), unit="GiB")
