"""Times a step of ADU against prompts tuned by the two losses alone, and remembered texts against encoding.

The network has ViT-B/16's depth, tokens and text tower's length with random weights: at its true size in bf16
where there is a GPU (then memory and images/s are printed, and what the paper's 8 shots of Office-Home would
take), a third of its width on a CPU. InstaPG's own passes are measured alone and taken off ADU's step.

Ratios are medians over rounds in which both sides run one after the other, in one process.
Run: OMP_NUM_THREADS=1 .venv/bin/python -m scripts.benchmarks.clip
"""

import os
import platform
from collections.abc import Callable
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import numpy as np
import torch

from scripts.benchmarks.timing import interleaved, show, timed
from unlearn_cli.config.composing import composed
from unlearn_cli.data.augment import Augment
from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.data.images import Resident
from unlearn_cli.data.splits import Sets
from unlearn_cli.experiment import Experiment, read
from unlearn_cli.models.clip.prompts import InstancePrompts
from unlearn_cli.models.clip.tiny_clip import TinyClip
from unlearn_cli.models.clip.zero_shot import ZeroShotClip
from unlearn_cli.runtime.compute import Compute
from unlearn_cli.training.trainer import Trainer

CLASSES, DOMAINS, ROUNDS, STEPS = 65, 4, 3, 4
OFFICE_HOME = CLASSES * DOMAINS * 8 * 50
"""Images of a run of the paper: 8 shots, 50 epochs."""


def main() -> None:
    gpu = torch.cuda.is_available()
    device = torch.cuda.get_device_name() if gpu else f"{os.cpu_count()} CPU cores"
    print(f"{platform.machine()}, {device}, torch {torch.__version__}, {torch.get_num_threads()} thread(s)")
    compute = Compute("auto", "bf16" if gpu else "fp32", channels_last=gpu, compile=False)
    width, batch = (768, 128) if gpu else (256, 8)
    model, data = network(width, compute), images(batch * STEPS, compute)
    baseline = unlearning("prompt_tuning", model, data, batch, compute)
    losses = unlearning("adu", model, data, batch, compute, "method.instance_layer=null")
    whole = unlearning("adu", model, data, batch, compute)
    show("two losses / with ADU's domain losses, too", *interleaved(ROUNDS, losses, baseline))
    with_it, without = interleaved(ROUNDS, whole, baseline)
    alone = median(timed(generator(width, batch, compute)) for _ in range(ROUNDS))
    ratio = (median(with_it) - alone) / median(without)
    print(f"{'all of ADU less InstaPG alone / two losses':56s} {ratio:6.3f}   (InstaPG {alone:.3f} s)")
    show("texts encoded in each step / remembered", *interleaved(ROUNDS, encoding(model, baseline), baseline))
    if gpu:
        torch.cuda.reset_peak_memory_stats()
        seconds = timed(whole)
        rate = batch * STEPS / seconds
        peak = torch.cuda.max_memory_allocated() / 2**30
        minutes = OFFICE_HOME / rate / 60
        print(f"ADU: {rate:.0f} images/s, {peak:.1f} GiB; Office-Home, 8 shots: {minutes:.1f} min")


def network(width: int, compute: Compute) -> ZeroShotClip:
    """Twelve blocks of that width in either tower, 224 pixels in patches of 16, 77 tokens; random weights."""
    torch.manual_seed(0)
    settings = TinyClip(
        template="a photo of a {}.",
        dim=512,
        patch_size=16,
        width=width,
        head_width=64,
        layers=12,
        text_layers=12,
        tokens=77,
    )
    names = [f"class {number}" for number in range(CLASSES)]
    return compute.place(settings.build(ImageSpec(names, 3, (224, 224), (0.5,) * 3, (0.25,) * 3)))


def images(count: int, compute: Compute) -> Resident:
    """Random ones."""
    rows = np.arange(count)
    pixels = torch.randint(0, 256, (count, 3, 224, 224), dtype=torch.uint8)
    return Resident.of(
        pixels,
        rows % CLASSES,
        train_rows=rows,
        test_rows=rows[:0],
        name="random",
        classes=[f"class {number}" for number in range(CLASSES)],
        augment=Augment(crop_padding=0, flip=False, random_resized=False),
        device=compute.device,
    )


def unlearning(
    method: str, model: ZeroShotClip, data: Resident, batch: int, compute: Compute, *more: str
) -> Callable[[], None]:
    """Some steps of a method, each time with fresh prompts and in a folder of its own."""
    length = ["method.epochs=1", f"method.batch_size={batch}"]
    settings = experiment(method, *length, *more)
    rows = np.arange(len(data))
    domains = rows % DOMAINS
    sets = Sets(
        train=rows,
        val=rows[:0],
        test=rows[:0],
        forget=rows[domains == 0],
        retain=rows[domains > 0],
        test_forgotten=rows[:0],
        classes=(),
        split="",
        fingerprint="",
        groups=domains,
    )

    def action() -> None:
        with TemporaryDirectory() as folder:
            trainer = Trainer(data, sets.is_forget(len(data)), compute, 0, Path(folder))
            settings.method.unlearn(settings.task, model, sets, trainer)

    return action


def generator(width: int, batch: int, compute: Compute) -> Callable[[], None]:
    """InstaPG forwards and backwards, as often as in a measured phase."""
    network = InstancePrompts(width, width // 64).to(compute.device)
    prompts = torch.randn(8, width, device=compute.device, requires_grad=True)
    patches = torch.randn(batch, 196, width, device=compute.device, requires_grad=True)

    def action() -> None:
        for _ in range(STEPS):
            with compute.autocast():
                made = network(prompts, patches)
            made.sum().backward()

    return action


def encoding(model: ZeroShotClip, action: Callable[[], None]) -> Callable[[], None]:
    """The action with texts forgotten before each pass of the vision tower."""

    def forgetful() -> None:
        with model.visual.register_forward_pre_hook(lambda *_: model.remembered.values.clear()):
            action()

    return forgetful


def experiment(method: str, *values: str) -> Experiment:
    """The settings of a method at its paper's size."""
    return read(*composed(["task=clip", "data=pacs", "model=clip", f"method={method}", *values]))


if __name__ == "__main__":
    main()
