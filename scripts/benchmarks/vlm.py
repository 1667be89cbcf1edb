"""Times the training of sparse autoencoders and what an edit of a LLaVA's activations costs its answers.

Training is `train_autoencoder` by its own clock, which leaves out the quality measured after an epoch; beside
it a bare loop (the module's loss, PyTorch's autograd and Adam) and the vision tower, which makes the
activations. LLaVA-1.5 7B is counted in FLOP; at its true size on a GPU scripts/gpu_check measures it.

Rounds run all sides one after the other, in one process; rates and seconds are medians.
Run: OMP_NUM_THREADS=1 .venv/bin/python -m scripts.benchmarks.vlm
"""

import os
import platform
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from transformers import AutoModelForImageTextToText, LlavaConfig

from scripts.benchmarks.timing import interleaved, show, timed
from unlearn_cli.config.composing import composed
from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.data.questions import SEPARATOR
from unlearn_cli.experiment import read
from unlearn_cli.methods.vlm.dense_steering import Erasure
from unlearn_cli.models.vlm.vision_language import VisionLanguage
from unlearn_cli.runtime.compute import Compute
from unlearn_cli.sae.attachment import attach
from unlearn_cli.sae.autoencoder import SparseAutoencoder
from unlearn_cli.sae.streaming import Streamed
from unlearn_cli.sae.training import train_autoencoder
from unlearn_cli.training.trainer import Trainer

ROUNDS, EDITED, QUESTION = 3, 16, "what colour is the shape ?"
CLASSES, LLAVA = [f"{QUESTION}{SEPARATOR}red"], LlavaConfig()  # transformers' default is LLaVA-1.5 7B
LARGE = ("method.dictionary.expansion=8", "method.dictionary.k=20")


def main() -> None:
    cores = f"{platform.machine()}, {os.cpu_count()} CPU cores"
    print(f"{cores}, torch {torch.__version__}, {torch.get_num_threads()} thread(s)")
    cpu = Compute("cpu", "fp32", channels_last=False, compile=False)
    tiny = network(tiny_config(), cpu)
    training("d 128 x4, none dead", 128, 8192, cpu)
    training("d 128 x4, half dead", 128, 8192, cpu, dead=0.5)
    training("d 1024 x8, none dead", 1024, 1536, cpu, *LARGE, "method.batch_size=512")
    for side, rate in streaming(tiny, cpu, 512, 16).items():
        print(f"{f'tiny: {side}':56s} {rate:9,.0f} vectors/s")
    without, *changed = generation(tiny, 64, 12).items()
    for side, seconds in changed:
        show(f"tiny: {side} / without", seconds, without[1])
    counted()


def training(name: str, width: int, count: int, compute: Compute, *values: str, dead: float = 0.0) -> None:
    """Vectors a second of an epoch over `count` vectors, with that share of dead latents: both loops."""
    method = sauce(*values).method
    x = (torch.randn(count, width) @ torch.randn(width, width)).to(compute.device)

    def fresh() -> SparseAutoencoder:
        sae = SparseAutoencoder(width, method.dictionary)
        gone = slice(round(dead * sae.latents))
        sae.encoder.bias.data[gone], sae.silent[gone] = -1e3, method.dictionary.dead_after
        return sae.to(compute.device)

    rest = (x, method, compute)
    one, other = in_turn(lambda: fitted(fresh(), *rest), lambda: timed(partial(bare, fresh(), *rest)))
    print(f"{name:56s} {count / median(one):9,.0f} vectors/s")
    show(f"{name}: train_autoencoder / bare loop", one, other)


def in_turn(*sides: Callable[[], float]) -> list[list[float]]:
    """Each side's seconds in every round, after one that does not count."""
    times = [[side() for side in sides] for _ in range(ROUNDS + 1)][1:]
    return [list(one) for one in zip(*times, strict=True)]


def fitted(sae: SparseAutoencoder, data: Any, method: Any, compute: Compute) -> float:
    """Seconds of `train_autoencoder`, by its own clock."""
    with TemporaryDirectory() as folder:
        trainer = Trainer(data, None, compute, 0, Path(folder))
        with trainer.cost.clock(compute.device):
            train_autoencoder(sae, data, method, trainer)
        return trainer.cost.seconds


def bare(sae: SparseAutoencoder, x: Tensor, method: Any, compute: Compute) -> None:
    """The same without the project's loop: normalisation, loss, Adam, directions of length 1."""
    sae.normalise(x)
    adam = torch.optim.Adam(sae.parameters(), method.lr)
    for rows in torch.randperm(len(x), device=x.device).split(method.batch_size):
        with compute.autocast():
            loss = torch.stack(list(sae(x[rows]).values())).sum()
        loss.backward()
        adam.step()
        adam.zero_grad()
        sae.constrain()


def streaming(model: Any, compute: Compute, count: int, tokens: int, *values: str) -> dict[str, float]:
    """Vectors a second of the vision tower alone, and from images to a trained autoencoder."""
    method, vision, rows = sauce(*values).method, model.net.config.vision_config, np.arange(count)

    @torch.no_grad()
    def read(rows: np.ndarray) -> Tensor:
        images = torch.rand(len(rows), 3, *2 * [vision.image_size], device=model.device)
        return model.activations(model.vision_layer, images)

    def tower() -> float:
        return timed(lambda: [read(some) for some in np.split(rows, count // method.reads)])

    def both() -> float:
        stream = Streamed(rows, read, method.reads, tokens, count * tokens // 2, 0, compute.device)
        sae = SparseAutoencoder(vision.hidden_size, method.dictionary).to(compute.device)
        return fitted(sae, stream, method, compute)

    alone, whole = (median(seconds) for seconds in in_turn(tower, both))
    made = count * (vision.image_size // vision.patch_size) ** 2 / alone
    return {"vision tower": made, "tower and training": count * tokens / whole}


def generation(model: VisionLanguage, count: int, tokens: int) -> dict[str, list[float]]:
    """Seconds of `generate`, with an edit of some rows of an autoencoder, and with a direction taken out."""
    method, layer, width = sauce().method, model.vision_layer, model.net.config.vision_config.hidden_size
    sae, direction = SparseAutoencoder(width, method.dictionary), torch.randn(width, 1) / width**0.5
    edit = method.edited(sae, torch.arange(EDITED), -1.0, torch.zeros(sae.latents)).to(model.device)
    erasure = Erasure(torch.zeros(width), direction, direction.T).to(model.device)
    inputs = model.inputs(model.sample().expand(count, -1, -1, -1), [QUESTION] * count)
    inputs.pop("token_type_ids", None)

    @torch.no_grad()
    def generate() -> None:
        model.net.generate(**inputs, max_new_tokens=tokens, min_new_tokens=tokens, do_sample=False)

    def changed(module: nn.Module) -> None:
        attachment = attach(model.net, layer, module, model.leading(layer), "last")
        generate()
        attachment.remove()

    names = ("generate", f"generate, {EDITED} rows of an autoencoder", "generate, a dense erasure")
    times = interleaved(ROUNDS, generate, lambda: changed(edit), lambda: changed(erasure))
    return dict(zip(names, times, strict=True))


def counted() -> None:
    """FLOP of an image at LLaVA-1.5 7B's size, 2 a multiply-add: what is edited against what is run."""
    with torch.device("meta"):
        net = AutoModelForImageTextToText.from_config(LLAVA).model
    patches, width = 576, LLAVA.vision_config.hidden_size

    def passes(part: nn.Module, config: Any, tokens: int) -> float:
        weights = sum(p.numel() for name, p in part.named_parameters() if "embed" not in name)
        return 2 * weights * tokens + config.num_hidden_layers * 4 * tokens**2 * config.hidden_size

    tower = passes(net.vision_tower, LLAVA.vision_config, patches + 1)
    whole = tower + passes(net.language_model, LLAVA.text_config, patches + 24)
    counts = {
        "tower": tower,
        "tower and prefill, 24 tokens of text": whole,
        f"edit of {EDITED} rows": 4 * EDITED * width * patches,
        "all latents (x8), encoded and decoded": 32 * width**2 * patches,
        "training (x8) on all of its vectors": 96 * width**2 * patches,
    }
    for what, flop in counts.items():
        told = f"({100 * flop / tower:.3f} % of the tower, {100 * flop / whole:.4f} % of both)"
        print(f"{f'computed, 7B: {what}':56s} {flop / 1e9:9.2f} GFLOP   {told}")


def tiny_config() -> LlavaConfig:
    """Of the model that the family comes with."""
    return sauce().model.build(ImageSpec(CLASSES, 3, (32, 32), (0.5,) * 3, (0.25,) * 3)).net.config


def network(config: LlavaConfig, compute: Compute) -> VisionLanguage:
    """A LLaVA of that size with random weights; its tokenizer knows the question's words."""
    torch.manual_seed(0)
    small = sauce().model.model_copy(update={"patch_size": config.vision_config.patch_size, "tokens": 2048})
    model = small.build(
        ImageSpec(CLASSES, 3, (config.vision_config.image_size,) * 2, (0.5,) * 3, (0.25,) * 3)
    )
    config.image_token_id = model.net.config.image_token_id
    with compute.device:
        dtype = torch.float32 if compute.precision == "fp32" else torch.bfloat16
        model.net = AutoModelForImageTextToText.from_config(config, dtype=dtype)
    return model.eval()


def sauce(*values: str) -> Any:
    """Settings of SAUCE, the tiny model's where no others are given; one epoch of training."""
    chosen = ["task=vlm", "method=sauce", "method.epochs=1", "method.max_steps=null", *values]
    return read(*composed(chosen))


if __name__ == "__main__":
    main()
