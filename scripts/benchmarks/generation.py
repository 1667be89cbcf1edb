"""Times sampling against diffusers' own way, unlearning steps against their bare passes; on a GPU, images/s.

Sampling, at equal network, steps, batch, guidance and precision, three ways:
- ours: `Sampler.sample`: both passes of guidance in one batch, only the present state is kept.
- loop: the published way (DDIM's and SalUn's code) with diffusers' scheduler: the network is called twice a
  step, once with the class and once without, and every state and every estimate of x_0 is copied to the CPU.
- pipeline: diffusers' `DDIMPipeline` itself. It has neither classes nor guidance, so its network is one with
  fixed labels that calls the UNet twice. It copies no states: what ours gains on it, batching gains.
Where the time goes is printed beside: the share of our time that is the network's own, and what one call of
2n images gains on two calls of n. No sampler that calls the same network can gain more than the latter by
batching; where an image fills the processor, as on a CPU, that is little.

Unlearning: an epoch of `Trainer.fit` for RL and SalUn (a mask over half the weights) against the passes of
the same batches, noised beforehand: targets for another class, forward, backward, clipping, optimiser step.

Ratios are medians over rounds in which both sides run one after the other, in one process.
Run: OMP_NUM_THREADS=1 .venv/bin/python -m scripts.benchmarks.generation
"""

import os
import platform
import statistics
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from diffusers import DDIMPipeline
from torch import Tensor, nn

from scripts.benchmarks.timing import interleaved, show, timed
from unlearn_cli.config.composing import composed
from unlearn_cli.data.augment import Augment
from unlearn_cli.data.feeds import shuffled
from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.data.images import Resident
from unlearn_cli.data.splits import Sets
from unlearn_cli.experiment import Experiment, read
from unlearn_cli.runtime.compute import Compute
from unlearn_cli.tasks.diffusion import error
from unlearn_cli.training.mask import Mask
from unlearn_cli.training.trainer import Trainer

ROUNDS, BATCHES, CLASSES, FORGOTTEN = 5, (1, 16, 64, 256), 10, 3
SAMPLER = ("sampler@eval.sampler=ddim", "eval.sampler.steps=25")


def main() -> None:
    gpu = torch.cuda.is_available()
    device = torch.cuda.get_device_name() if gpu else f"{os.cpu_count()} CPU cores"
    threads = torch.get_num_threads()
    print(f"{platform.machine()}, {device}, torch {torch.__version__}, {threads} thread(s)", flush=True)
    compute = Compute("cpu", "fp32", channels_last=True, compile=False)
    sampling("digits", compute)
    for method in ("rl", "salun"):
        unlearning("digits", method, compute)
    if gpu:
        compute = Compute("cuda", "bf16", channels_last=True, compile=False)
        sampling("cifar10", compute)
        for method in ("rl", "salun"):
            unlearning("cifar10", method, compute)
        throughput("cifar10", Compute("cuda", "bf16", channels_last=True, compile=True))


def experiment(data: str, *overrides: str) -> Experiment:
    """The settings of a run of `unlearn task=generation data=…`."""
    return read(*composed(["task=generation", f"data={data}", *overrides]))


def images(rows: int, data: str, compute: Compute) -> tuple[Resident, Sets]:
    """Random images of ten classes, of the data set's size; one class is to be forgotten."""
    shape = {"digits": (1, 8, 8), "cifar10": (3, 32, 32)}[data]
    every, none = np.arange(rows), np.arange(0)
    drawn = Resident.of(
        torch.randint(0, 256, (rows, *shape), dtype=torch.uint8),
        every % CLASSES,
        name="random",
        classes=[str(c) for c in range(CLASSES)],
        train_rows=every,
        test_rows=none,
        augment=Augment(crop_padding=0, flip=False, random_resized=False),
        device=compute.device,
    )
    gone = every % CLASSES == FORGOTTEN
    return drawn, Sets(every, none, none, every[gone], every[~gone], none, (FORGOTTEN,), "split", "forget")


def network(settings: Experiment, data: Resident, compute: Compute) -> Any:
    return compute.place(
        settings.model.build(
            ImageSpec([str(c) for c in range(CLASSES)], data.channels, data.size, data.mean, data.std)
        )
    )


def sampling(name: str, compute: Compute) -> None:
    """`Sampler.sample` against the two other ways, for each size of batch."""
    settings = experiment(name, *SAMPLER)
    sampler = settings.eval.sampler
    data, _ = images(CLASSES, name, compute)
    model = network(settings, data, compute).eval()
    print(
        f"sampling, {name}: {sampler.steps} steps, guidance {sampler.guidance}, eta {sampler.eta}", flush=True
    )
    for size in BATCHES:
        labels = torch.arange(size, device=compute.device) % CLASSES
        noise = torch.randn(size, data.channels, *data.size)
        pipeline = diffusers_pipeline(model, labels, sampler.guidance)

        def ours(noise: Tensor = noise, labels: Tensor = labels) -> None:
            sampler.sample(model, noise, labels, compute).cpu()

        def loop(noise: Tensor = noise, labels: Tensor = labels) -> None:
            published_loop(model, noise, labels, sampler, compute)

        def pipe(size: int = size, pipeline: Any = pipeline) -> None:
            with compute.autocast():
                pipeline(size, eta=sampler.eta, num_inference_steps=sampler.steps, output_type="pt")[0].cpu()

        def calls(parts: int, noise: Tensor = noise, labels: Tensor = labels) -> None:
            """The network alone: one call of 2n images a step, or two of n."""
            x = compute.layout(noise.to(compute.device).repeat(2 // parts, 1, 1, 1))
            t, c = torch.zeros(len(x), dtype=torch.long, device=compute.device), labels.repeat(2 // parts)
            with torch.no_grad(), compute.autocast():
                for _ in range(sampler.steps * parts):
                    output = model(x, t, c)
            output.sum().item()  # waits for the device

        mine, loops, pipes, one, two = interleaved(
            ROUNDS, ours, loop, pipe, partial(calls, 1), partial(calls, 2)
        )
        show(f"  batch {size:3d}: loop / ours", loops, mine)
        show(f"  batch {size:3d}: pipeline / ours", pipes, mine)
        show(f"  batch {size:3d}: network alone / ours", one, mine)
        show(f"  batch {size:3d}: two calls of n / one of 2n", two, one)
        print(f"  batch {size:3d}: {size / statistics.median(mine):.1f} images/s", flush=True)


@torch.no_grad()
def published_loop(model: Any, noise: Tensor, labels: Tensor, sampler: Any, compute: Compute) -> Tensor:
    process = model.process
    process.set_timesteps(sampler.steps, device=compute.device)
    x, states, estimates = compute.layout(noise.to(compute.device)), [], []
    for t in process.timesteps:
        at = t.expand(len(x))
        with compute.autocast():
            conditional = model(x, at, labels)
            free = model(x, at, torch.full_like(labels, model.null))
        output = (1 + sampler.guidance) * conditional - sampler.guidance * free
        step = process.step(output.float(), t, x, eta=sampler.eta)
        x = step.prev_sample
        states.append(x.to("cpu"))
        estimates.append(step.pred_original_sample.to("cpu"))
    return (states[-1].clamp(-1, 1) + 1) / 2


class Guided(nn.Module):
    """A network as `DDIMPipeline` wants it, without labels: they are fixed."""

    def __init__(self, model: Any, labels: Tensor, guidance: float):
        super().__init__()
        self.model, self.labels, self.guidance = model, labels, guidance
        self.config, self.dtype, self.device = model.unet.config, torch.float32, labels.device

    def forward(self, x: Tensor, t: Tensor) -> SimpleNamespace:
        at = t.to(x.device).expand(len(x))
        conditional = self.model(x, at, self.labels)
        free = self.model(x, at, torch.full_like(self.labels, self.model.null))
        return SimpleNamespace(sample=(1 + self.guidance) * conditional - self.guidance * free)


def diffusers_pipeline(model: Any, labels: Tensor, guidance: float) -> DDIMPipeline:
    pipeline = DDIMPipeline(Guided(model, labels, guidance), model.process)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def unlearning(name: str, method_name: str, compute: Compute) -> None:
    """An epoch of `Trainer.fit` against the passes of its batches."""
    settings = experiment(name, f"method={method_name}", "method.epochs=1", "method.order=balanced")
    method, task = settings.method, settings.task
    data, sets = images(1300 if name == "digits" else 5000, name, compute)
    model = network(settings, data, compute)
    mask = None
    if method_name == "salun":
        mask = Mask({name: torch.rand_like(p) < 0.5 for name, p in model.named_parameters()})
    is_forget, feed = sets.is_forget(len(data)), method.feed(sets)

    def ours() -> None:
        with TemporaryDirectory() as folder:
            trainer = Trainer(data, is_forget, compute, 0, Path(folder), mask=mask)
            trainer.fit(model, feed, method.objective(task, sets), method)

    prepared = []
    for raw in data.batches(feed(0, method.batch_size, 0), is_forget):
        batch = data.prepare(raw, augment=True)
        x, t, target = task.noised(model, batch)
        which = slice(int(batch.forget.sum()))  # forget rows come first
        others = task.other_class(batch.y[which], model.null)
        prepared.append((compute.layout(x), t, target, batch.y, which, others))

    def bare() -> None:
        parameters = list(model.parameters())
        optimizer = method.make_optimizer(parameters)
        model.train()
        for x, t, target, labels, which, others in prepared:
            with compute.autocast():
                with torch.no_grad():
                    wrong = model(x[which], t[which], others)
                losses = error(model(x, t, labels), torch.cat([wrong, target[which.stop :]]))
                loss = losses[which].mean() + method.alpha * losses[which.stop :].mean()
            loss.backward()
            if method.clip_norm:
                nn.utils.clip_grad_norm_(parameters, method.clip_norm)
            optimizer.step()
            optimizer.zero_grad()
        loss.item()  # waits for the device

    show(f"unlearning, {name}, {method_name}: trainer / bare passes", *interleaved(ROUNDS, ours, bare))


def throughput(name: str, compute: Compute) -> None:
    """Images/s of training an original model and of sampling, at the recipes' own batch sizes."""
    settings = experiment(name, *SAMPLER)
    recipe = settings.train.model_copy(update={"epochs": 1})
    data, sets = images(100 * recipe.batch_size, name, compute)
    model, task = network(settings, data, compute), settings.task
    sampler = settings.eval.sampler

    def train() -> None:
        with TemporaryDirectory() as folder:
            trainer = Trainer(data, sets.is_forget(len(data)), compute, 0, Path(folder))
            trainer.fit(
                model,
                shuffled(sets.train),
                lambda model, batch: {"train": task.loss(model, batch).mean()},
                recipe,
            )

    labels = torch.arange(sampler.batch_size, device=compute.device) % CLASSES
    noise = torch.randn(len(labels), data.channels, *data.size)

    def sample() -> None:
        sampler.sample(model.eval(), noise, labels, compute).cpu()

    said = f"{compute.precision}{', compiled' if compute.compile else ''}"
    for label, action, count in (
        (f"training, {name}, batch {recipe.batch_size}, {said}", train, len(data)),
        (
            f"sampling, {name}, batch {len(labels)}, {sampler.steps} steps, {compute.precision}",
            sample,
            len(labels),
        ),
    ):
        action()
        print(f"{label:56s} {count / timed(action):8.0f} images/s", flush=True)


if __name__ == "__main__":
    main()
