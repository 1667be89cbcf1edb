"""Any Stable Diffusion 1.x or 2.x as a model: a folder in diffusers' layout or a hub name."""

import logging
from functools import lru_cache
from pathlib import Path
from pickle import UnpicklingError
from typing import Any, ClassVar

import diffusers
import transformers
from diffusers import DDIMScheduler, StableDiffusionPipeline
from huggingface_hub.errors import HfHubHTTPError
from pydantic import Field
from safetensors import SafetensorError

from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.data.rows import digest
from unlearn_cli.data.source import file_stamp
from unlearn_cli.errors import InputError
from unlearn_cli.models.base import ModelSettings
from unlearn_cli.models.delta import load_delta, names_in
from unlearn_cli.models.diffusion.text_to_image import TextToImage
from unlearn_cli.models.hub_files import fetched_file
from unlearn_cli.storage.files import read_json

log = logging.getLogger("unlearn")

INDEX, TOKENIZER = "model_index.json", ("vocab.json", "tokenizer.json")
KIND = "StableDiffusionPipeline"
PARTS = ("unet", "vae", "text_encoder", "tokenizer", "scheduler")
WITHOUT: dict[str, Any] = {"safety_checker": None, "feature_extractor": None}
"""Parts of a pipeline that are not loaded."""
FAULTS = (
    *(OSError, ValueError, TypeError, RuntimeError, AttributeError, KeyError),
    *(SafetensorError, UnpicklingError),
)
"""How reading a damaged part ends."""
HINT = "give a pipeline folder of diffusers, or a hub name (owner/name)"


class PretrainedTextToImage(TextToImage):
    """Has learnt the empty prompt, whatever share of prompts is dropped from here on."""

    @property
    def unconditional(self) -> bool:
        return True


class Pipeline(ModelSettings):
    """Its weights are kept in fp32, whatever precision they are stored and run in."""

    tasks: ClassVar[tuple[str, ...]] = ("text_to_image",)
    ready_made: ClassVar[bool] = True

    path: str = Field(description="a pipeline folder of diffusers, or a hub name")
    revision: str | None = Field(description="of a hub name: branch, tag or commit; null = the newest")
    variant: str | None = Field(description="of the weight files: fp16, ...; null = the plain ones")
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
        pipe = self._opened(folder)
        process = DDIMScheduler.from_config(pipe.scheduler.config, clip_sample=False, steps_offset=1)
        parts = (pipe.unet, pipe.text_encoder, pipe.vae, pipe.tokenizer)
        model = PretrainedTextToImage(*parts, process, images.classes, self.label_drop)
        self._check_images(pipe.vae.config, images.channels, images.size)
        if self.gradient_checkpointing:
            model.unet.enable_gradient_checkpointing()
        if self.delta:
            load_delta(model, self.delta)
            model.departed = names_in(self.delta)
        return model

    def identity(self) -> str:
        """Tells these weights from others without reading them: commit, or names, sizes, times of files."""
        folder = pipeline_folder(self.path, self.revision, self.variant)
        if Path(self.path).expanduser().is_dir():
            parts = [file_stamp(folder / name) for name in (INDEX, *PARTS)]
        else:
            parts = [self.path, folder.name]
        return digest(*parts, str(self.variant), file_stamp(self.delta) if self.delta else "")

    def facts(self) -> dict[str, Any]:
        return {"pipeline": self.identity()}

    def _opened(self, folder: Path) -> Any:
        for library in (diffusers.utils.logging, transformers.utils.logging):
            library.disable_progress_bar()
        try:
            pipe = StableDiffusionPipeline.from_pretrained(
                folder, variant=self.variant, local_files_only=True, requires_safety_checker=False, **WITHOUT
            )
        except FAULTS as error:
            reason = " ".join(f"{error}".split())[:200]
            raise InputError(
                f"model.path: '{self.path}' cannot be opened ({type(error).__name__}: {reason}); {HINT}"
            ) from error
        longest = pipe.text_encoder.config.max_position_embeddings
        pipe.tokenizer.model_max_length = min(pipe.tokenizer.model_max_length, longest)
        for part in (pipe.unet, pipe.text_encoder, pipe.vae):
            part.float()
        return pipe

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


@lru_cache
def pipeline_folder(path: str, revision: str | None, variant: str | None) -> Path:
    """The folder of a pipeline that can be used, downloaded if need be. InputError if there is none.

    Looked at once in a process; a safety checker, which blanks images, is told of and left out.
    """
    local = Path(path).expanduser()
    there = local.is_dir()
    if not there and (path.startswith((".", "/", "~")) or path.count("/") != 1):
        raise InputError(f"model.path: no such folder '{path}'; {HINT}")
    index = local / INDEX if there else _from_hub(path, revision)
    if not index.is_file():
        raise InputError(f"model.path: '{path}' has no {INDEX}, so it is no pipeline; {HINT}")
    described = _read(index, path)
    kind = described.get("_class_name")
    if kind != KIND:
        raise InputError(
            f"model.path: '{path}' is a {kind}; what can be used is a {KIND}: Stable Diffusion 1.x or 2.x"
        )
    folder = local if there else _downloaded(path, revision, variant)
    for part in PARTS:
        named, found = (described.get(part) or [None])[0], (folder / part).is_dir()
        if part == "tokenizer":  # without its files it would come up empty
            found = any((folder / part / name).is_file() for name in TOKENIZER)
        if not named or not found:
            raise InputError(f"model.path: '{path}' has no {part}; a {KIND} needs {', '.join(PARTS)}")
    if (described.get("safety_checker") or [None])[0]:
        log.info("model: the safety checker of '%s' is left out: it blanks images", path)
    return folder


def _read(index: Path, path: str) -> dict[str, Any]:
    try:
        return dict(read_json(index))
    except (ValueError, TypeError) as error:
        raise InputError(f"model.path: '{path}': {INDEX} is damaged ({error}); {HINT}") from error


def _from_hub(path: str, revision: str | None) -> Path:
    return fetched_file(path, INDEX, revision, "pipeline", HINT)


def _downloaded(path: str, revision: str | None, variant: str | None) -> Path:
    """The cache's folder of one commit, whose name it has."""
    try:
        return Path(StableDiffusionPipeline.download(path, revision=revision, variant=variant, **WITHOUT))
    except (HfHubHTTPError, OSError, ValueError) as error:
        reason = " ".join(f"{error}".split())[:200]
        raise InputError(
            f"model.path: '{path}' cannot be fetched whole ({reason}); fetch it where there is a network, "
            "or give a folder: model.path=FOLDER"
        ) from error
