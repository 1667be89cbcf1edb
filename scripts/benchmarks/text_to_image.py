"""Times steps of DoCo and SalUn with remembered latents and embeddings against encoding in every step.

The network has the architecture of Stable Diffusion 1.5 and random weights: at its true size for 512 pixels
in bf16 where there is a GPU, a quarter of all widths and 128 pixels on a CPU. scripts/gpu_check tells memory
and seconds of a step on a GPU.
Encoding in every step is what the published code does: both caches are emptied before each pass of the UNet.

Ratios are medians over rounds in which both sides run one after the other, in one process.
Run: OMP_NUM_THREADS=1 .venv/bin/python -m scripts.benchmarks.text_to_image
"""

import os
import platform
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel

from scripts.benchmarks.timing import interleaved, show
from unlearn_cli.config.composing import composed
from unlearn_cli.data.augment import Augment
from unlearn_cli.data.images import Resident
from unlearn_cli.data.splits import Sets
from unlearn_cli.data.substitution import Substitution
from unlearn_cli.experiment import Experiment, read
from unlearn_cli.models.diffusion.text_to_image import TextToImage
from unlearn_cli.models.diffusion.tokenizer import trained_tokenizer
from unlearn_cli.runtime.compute import Compute
from unlearn_cli.training.trainer import Trainer

ROUNDS, STEPS, BATCH, ROWS, TOKENS = 3, 4, 4, 8, 77
PROMPTS = ["a parachute over hills", "an airplane over hills", "a dog over hills"]


def main() -> None:
    gpu = torch.cuda.is_available()
    device = torch.cuda.get_device_name() if gpu else f"{os.cpu_count()} CPU cores"
    print(f"{platform.machine()}, {device}, torch {torch.__version__}, {torch.get_num_threads()} thread(s)")
    precision = "bf16" if gpu else "fp32"
    compute = Compute("auto", precision, channels_last=gpu, compile=False)
    model, data = network(1 if gpu else 4, compute), images(512 if gpu else 128, compute)
    for method in ("doco", "salun"):
        remembering, forgetful = (
            unlearning(method, model, data, compute),
            unlearning(method, model, data, compute),
        )
        times = interleaved(ROUNDS, remembering, encoding_always(model, forgetful))
        show(f"{method}: {STEPS} steps, remembered against encoded anew", *times)


def network(shrink: int, compute: Compute) -> TextToImage:
    """Stable Diffusion 1.5's parts with random weights, all widths divided by about `shrink`."""
    torch.manual_seed(0)
    width = 12 * (64 // shrink)
    tokenizer = trained_tokenizer(PROMPTS, TOKENS)
    text = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=4 * width,
        num_hidden_layers=12,
        num_attention_heads=12,
        max_position_embeddings=TOKENS,
        bos_token_id=0,
        eos_token_id=1,
        pad_token_id=1,
    )
    unet = UNet2DConditionModel(
        sample_size=64,
        block_out_channels=narrowed((320, 640, 1280, 1280), shrink),
        cross_attention_dim=width,
        norm_num_groups=16,
    )
    vae = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        block_out_channels=narrowed((128, 256, 512, 512), shrink),
        layers_per_block=2,
        norm_num_groups=16,
    )
    process = DDIMScheduler(
        beta_schedule="scaled_linear", beta_start=0.00085, beta_end=0.012, clip_sample=False, steps_offset=1
    )
    model = TextToImage(unet, CLIPTextModel(text), vae, tokenizer, process, PROMPTS, label_drop=0.1)
    return model.to(compute.device)


def narrowed(widths: Sequence[int], shrink: int) -> tuple[int, ...]:
    """Multiples of 16, for 16 groups."""
    return tuple(16 * max(1, width // 16 // shrink) for width in widths)


def images(side: int, compute: Compute) -> Resident:
    """Random images: the first rows of the concept, the next of its anchor, the last of something else."""
    rows, labels = np.arange(3 * ROWS), np.repeat(np.arange(3), ROWS)
    generator = torch.Generator().manual_seed(0)
    return Resident.of(
        torch.randint(0, 256, (len(rows), 3, side, side), dtype=torch.uint8, generator=generator),
        labels,
        train_rows=rows,
        test_rows=rows[:0],
        name="random",
        classes=PROMPTS,
        augment=Augment(crop_padding=0, flip=False, random_resized=False),
        device=compute.device,
        columns={"caption": np.array(PROMPTS, dtype=object)[labels]},
    )


def unlearning(method: str, model: TextToImage, data: Resident, compute: Compute) -> Callable[[], float]:
    """Some steps of a method, each time from the same weights and in a folder of its own; their seconds."""
    settings = experiment(method)
    rows, none = np.arange(3 * ROWS), np.arange(0)
    concept = (Substitution("parachute", "airplane", "object"),)
    sets = Sets(
        rows,
        none,
        none,
        rows[:ROWS],
        rows[ROWS:],
        none,
        (0,),
        "",
        "",
        rows[ROWS : 2 * ROWS],
        concepts=concept,
    )
    before = {name: tensor.cpu().clone() for name, tensor in model.state_dict().items()}

    def action() -> float:
        model.load_state_dict(before)
        with TemporaryDirectory() as folder:
            anchors = sets.anchor_labels(data.labels)
            trainer = Trainer(data, sets.is_forget(len(data)), compute, 0, Path(folder), anchors=anchors)
            trainer.surgery = settings.surgery.build()
            with trainer.cost.clock(compute.device):
                settings.method.unlearn(settings.task, model, sets, trainer)
            return trainer.cost.seconds

    return action


def encoding_always(model: TextToImage, action: Callable[[], object]) -> Callable[[], None]:
    """The action with latents and embeddings forgotten before each pass."""

    def forget(*_: Any) -> None:
        model.shared.moments.clear()
        model.embedded.values.clear()

    def forgetful() -> None:
        with model.unet.register_forward_pre_hook(forget):
            action()

    return forgetful


def experiment(method: str) -> Experiment:
    """The settings of a method for Stable Diffusion, a few steps of it, none of them of the warm-up."""
    length = [] if method == "uce" else [f"method.max_steps={STEPS}", f"method.batch_size={BATCH}"]
    more = {"doco": ["method.warm_up=0", "method.stages=3"], "salun": ["mask=none"]}.get(method, [])
    choices = ["task=text_to_image", "data=generated", "model=sd15", f"method={method}", *length, *more]
    return read(*composed(choices))


if __name__ == "__main__":
    main()
