"""A pipeline folder of Stable Diffusion's layout with small random weights."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKL, PNDMScheduler, StableDiffusionPipeline, UNet2DConditionModel
from safetensors.torch import load_file, save_file
from transformers import CLIPTextConfig, CLIPTextModel

from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.models.diffusion.pipeline import Pipeline
from unlearn_cli.models.diffusion.tokenizer import trained_tokenizer

WORDS = ["a photo of the airplane over hills", "the parachute in the style of van gogh", "a dog, a red car"]
TOKENS, WIDTH, SIZE = 16, 8, 16
VALUES = {
    "revision": None,
    "variant": None,
    "delta": None,
    "label_drop": 0.0,
    "gradient_checkpointing": False,
}


def pipeline(
    seed: int = 0, prediction: str = "epsilon", pad: str | None = None, **unet: Any
) -> StableDiffusionPipeline:
    """The parts and the scheduler's values of Stable Diffusion 1.x (v_prediction: of 2.x), 8 x 8 latents.

    pad: what the tokenizer fills up with, "!" in 2.x; unet: values of its configuration.
    """
    torch.manual_seed(seed)
    tokenizer = trained_tokenizer(WORDS, TOKENS)
    tokenizer.pad_token = pad or tokenizer.pad_token
    text = CLIPTextConfig(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        intermediate_size=2 * WIDTH,
        num_hidden_layers=2,
        num_attention_heads=2,
        max_position_embeddings=TOKENS,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    network = UNet2DConditionModel(
        sample_size=SIZE // 2,
        layers_per_block=1,
        block_out_channels=(8, 16),
        down_block_types=("CrossAttnDownBlock2D", "DownBlock2D"),
        up_block_types=("UpBlock2D", "CrossAttnUpBlock2D"),
        cross_attention_dim=WIDTH,
        attention_head_dim=2,
        norm_num_groups=4,
        **unet,
    )
    vae = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        block_out_channels=(8, 8),
        norm_num_groups=4,
    )
    scheduler = PNDMScheduler(
        beta_schedule="scaled_linear",
        beta_start=0.00085,
        beta_end=0.012,
        skip_prk_steps=True,
        steps_offset=1,
        prediction_type=prediction,
    )
    return StableDiffusionPipeline(
        vae=vae,
        text_encoder=CLIPTextModel(text),
        tokenizer=tokenizer,
        unet=network,
        scheduler=scheduler,
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def saved(folder: Path, **changes) -> Path:
    """The folder, with a pipeline in it."""
    pipeline(**changes).save_pretrained(folder)
    return folder


def settings(folder: Path, **changes) -> Pipeline:
    return Pipeline(**VALUES | {"path": str(folder)} | changes)


def built(folder: Path, prompts: list[str], **changes):
    """The model of a folder, its prompts numbered from 0."""
    model = settings(folder, **changes).build(ImageSpec(prompts, 3, (SIZE, SIZE), [0.5] * 3, [0.5] * 3))
    return model.eval()


def change(file: Path, **values: Any) -> None:
    """Values of a JSON file, replaced."""
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def rewrite(part: Path, edit: Callable[[dict[str, torch.Tensor]], object]) -> None:
    """The weights in the folder, edited in place as tensors by name."""
    (file,) = part.glob("*.safetensors")
    tensors = load_file(file)
    edit(tensors)
    save_file(tensors, file, metadata={"format": "pt"})


def scheduled(place: Path, scheduler: Any) -> Path:
    """The pipeline folder, with another scheduler."""
    shutil.rmtree(place / "scheduler")
    scheduler.save_pretrained(place / "scheduler")
    change(place / "model_index.json", scheduler=["diffusers", type(scheduler).__name__])
    return place
