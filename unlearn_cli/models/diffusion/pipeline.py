"""Any Stable Diffusion 1.x or 2.x as a model: a folder in diffusers' layout or a hub name."""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, ClassVar

from diffusers import AutoencoderKL, UNet2DConditionModel
from pydantic import Field
from transformers import CLIPTextModel, CLIPTokenizer

from unlearn_cli.data.geometry import Preprocessing
from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.data.rows import digest
from unlearn_cli.errors import InputError
from unlearn_cli.models.base import AnyModel
from unlearn_cli.models.delta import load_delta, names_in
from unlearn_cli.models.diffusion.noising import SCHEDULER, ddpm_process
from unlearn_cli.models.diffusion.opened import faults_told, opened
from unlearn_cli.models.diffusion.pipeline_folder import (
    HINT,
    WEIGHED,
    class_of,
    pipeline_folder,
    variant_in,
)
from unlearn_cli.models.diffusion.preprocessing import ShorterSide
from unlearn_cli.models.diffusion.text_to_image import TextToImage
from unlearn_cli.models.diffusion.unshuffle import PixelUnshuffle
from unlearn_cli.storage.files import read_json
from unlearn_cli.storage.identity import content_of

OPENED: dict[str, Any] = {
    kind.__name__: kind for kind in (UNet2DConditionModel, AutoencoderKL, PixelUnshuffle, CLIPTextModel)
}
"""The classes of parts that have weights."""
KEY = "model.path"
REMEDY = "give a pipeline of Stable Diffusion 1.x or 2.x"


class PretrainedTextToImage(TextToImage):
    """Has learnt the empty prompt, whatever share of prompts is dropped from here on."""

    @property
    def unconditional(self) -> bool:
        return True


class Pipeline(AnyModel):
    """Its weights are kept in fp32, whatever precision they are stored and run in."""

    tasks: ClassVar[tuple[str, ...]] = ("text_to_image",)
    ready_made: ClassVar[bool] = True
    takes_colour: ClassVar[bool] = True

    path: str = Field(description="a pipeline folder of diffusers, or a hub name")
    revision: str | None = Field(description="branch, tag or commit of a hub name; null = the newest")
    variant: str | None = Field(description="which weight files: fp16, ...; null = the plain ones")
    delta: Path | None = Field(
        description="delta.safetensors of an earlier run to go on from, several concepts in sequence"
    )
    label_drop: float = Field(
        ge=0, lt=1, description="share of prompts replaced by the empty one in training"
    )
    gradient_checkpointing: bool = Field(description="less memory in training, a third more time")

    def build(self, images: ImageSpec) -> TextToImage:
        """As `ModelSettings.build`, but with its weights; the classes are the captions.

        Raises:
            InputError: nothing there, no pipeline, another kind, a part missing, images that do not fit.
        """
        folder = pipeline_folder(self.path, self.revision, self.variant)
        unet, vae, text_encoder = (self._opened(folder, part) for part in WEIGHED)
        tokenizer, process = self._tokenizer(folder, text_encoder), self._process(folder)
        self._check_parts(unet, vae, text_encoder, tokenizer)
        self._check_images(vae.config, images.channels, images.size)
        model = PretrainedTextToImage(
            unet, text_encoder, vae, tokenizer, process, images.classes, self.label_drop
        )
        if self.gradient_checkpointing:
            model.unet.enable_gradient_checkpointing()
        if self.delta:
            load_delta(model, self.delta)
            model.departed = names_in(self.delta)
        return model

    def preprocessing(self, size: int | None) -> Preprocessing | None:
        """Of data that say a size; others have the one that they are to be drawn at."""
        return None if size is None else ShorterSide(size)

    def identity(self) -> str:
        """Tells these weights from others without loading them: commit, or the content of the files."""
        folder = pipeline_folder(self.path, self.revision, self.variant)
        local = Path(self.path).expanduser().is_dir()
        parts = [content_of(folder)] if local else [self.path, folder.name]
        return digest(*parts, str(self.variant), content_of(self.delta) if self.delta else "")

    def facts(self) -> dict[str, Any]:
        return {"pipeline": self.identity()}

    def _opened(self, folder: Path, part: str) -> Any:
        """A part with weights, in fp32."""
        kind, variant = OPENED[class_of(folder, part)], variant_in(folder / part, self.variant)
        with self._told():
            return opened(kind, folder / part, f"the {part} of '{self.path}'", HINT, KEY, variant)

    def _tokenizer(self, folder: Path, text_encoder: Any) -> Any:
        with self._told():
            tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer", local_files_only=True)
        longest = text_encoder.config.max_position_embeddings
        tokenizer.model_max_length = min(tokenizer.model_max_length, longest)
        return tokenizer

    def _process(self, folder: Path) -> Any:
        with self._told():
            config = read_json(folder / "scheduler" / SCHEDULER)
            # its images are latents, which nothing clips
            latents = {"clip_sample": False, "thresholding": False, "steps_offset": 1}
            return ddpm_process(class_of(folder, "scheduler"), config | latents, KEY, self.path, REMEDY)

    def _told(self) -> AbstractContextManager[None]:
        return faults_told(KEY, self.path, HINT)

    def _check_parts(self, unet: Any, vae: Any, text_encoder: Any, tokenizer: Any) -> None:
        """InputError: parts that are not of one model."""
        latent, width = vae.config.latent_channels, text_encoder.config.hidden_size
        for what, reads, given in (
            (
                "the UNet takes {} channels, and the autoencoder's latents have {}",
                unet.config.in_channels,
                latent,
            ),
            (
                "the UNet reads texts of width {}, and the text encoder's have {}",
                unet.config.cross_attention_dim,
                width,
            ),
        ):
            if reads != given:
                raise InputError(
                    f"model.path: '{self.path}' cannot be used: {what.format(reads, given)}; "
                    "what can be used is Stable Diffusion 1.x or 2.x for text to image"
                )
        if len(tokenizer) > (known := text_encoder.config.vocab_size):
            raise InputError(
                f"model.path: the tokenizer of '{self.path}' has {len(tokenizer)} tokens, and its text "
                f"encoder knows {known}; they are not of one model"
            )

    def _check_images(self, vae: Any, channels: int, size: tuple[int, int]) -> None:
        if channels != vae.in_channels:
            raise InputError(
                f"data: images of {channels} channel(s), but '{self.path}' draws {vae.in_channels}"
            )
        factor = 2 ** (len(vae.block_out_channels) - 1)
        if any(side % factor for side in size):
            raise InputError(
                f"data.size: {size[0]} x {size[1]} pixels, but '{self.path}' needs multiples of {factor}"
            )
