"""CLIP score, accuracy and error rate: what OpenCLIP sees in images, against the words of prompts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from pickle import UnpicklingError
from typing import Any

import numpy as np
import torch
from pydantic import Field
from safetensors import SafetensorError
from torch import Tensor
from torchvision.transforms.functional import to_pil_image

from unlearn_cli.config.settings import Settings
from unlearn_cli.errors import InputError, in_a_line
from unlearn_cli.models.foreign_folder import no_code_is_offered, refuse_code, tokenizer_options
from unlearn_cli.storage.hub import hub_or_cache
from unlearn_cli.storage.identity import content_of

IMAGES = 64  # through the network at once
FAULTS = (OSError, RuntimeError, ValueError, KeyError, TypeError, UnpicklingError, SafetensorError)
"""How weights that are not there, or are another model's, end."""
HERE, HUB = "local-dir:", "hf-hub:"


class ClipScore(Settings):
    """Which CLIP."""

    model: str = Field(description=f"OpenCLIP's name of it; or {HERE}FOLDER, {HUB}OWNER/NAME, with weights")
    pretrained: str | None = Field(description="OpenCLIP's tag of its weights, or a file; null for a folder")

    def check(self) -> None:
        """Called before anything is written. InputError: it cannot be loaded."""
        self._opened()

    def identity(self) -> str:
        """Tells these weights from others: the content of folder or file; else the tag."""
        place = Path(self.model.removeprefix(HERE) if self.model.startswith(HERE) else self.pretrained or "")
        return content_of(place) if place.name and place.exists() else f"{self.model} {self.pretrained}"

    def metrics(
        self,
        images: Tensor,
        places: Tensor,
        prompts: Sequence[str],
        anchored: Sequence[str],
        is_forgotten: np.ndarray,
        device: torch.device,
    ) -> dict[str, float]:
        """`CLIP_forget`, `CLIP_retain`, `CLIP_accuracy` and `CLIP_error`, those that there are images for.

        images: (n, 3, H, W) uint8; places: (n,) of their prompts among the k; anchored: the k prompts with
        anchors in the concepts' place; is_forgotten: (k,) bool, forgotten. The score is 100 · max(cos, 0), as
        torchmetrics has it; Hessel et al. (EMNLP 2021) weigh by 2.5 instead of 100. Accuracy: share in
        percent of forgotten prompts' images nearer to the prompt than to the anchored one, where these differ
        (Kumari et al., ICCV 2023); error = 100 − accuracy (Lyu et al., CVPR 2024).
        """
        model, preprocess, tokenizer = self._opened()
        model = model.to(device).eval()
        embedded = _images(model, preprocess, images, device)
        named, other = (_texts(model, tokenizer, words, device)[places] for words in (prompts, anchored))
        cosine, to_anchor = (embedded * named).sum(1), (embedded * other).sum(1)
        score, forgotten = 100 * cosine.clamp(min=0), torch.from_numpy(is_forgotten)[places]
        parts = {"CLIP_forget": score[forgotten], "CLIP_retain": score[~forgotten]}
        values = {name: float(part.mean()) for name, part in parts.items() if len(part)}
        differ = torch.tensor([a != b for a, b in zip(prompts, anchored, strict=True)])[places]
        if (tried := forgotten & differ).any():
            accuracy = 100 * float((cosine > to_anchor)[tried].float().mean())
            values |= {"CLIP_accuracy": accuracy, "CLIP_error": 100 - accuracy}
        return values

    def _opened(self) -> tuple[Any, Callable[[Any], Tensor], Callable[[list[str]], Tensor]]:
        """The model, what prepares a PIL image for it, and its tokenizer."""
        import open_clip  # only this metric has to wait seconds for it

        ready = self.model.startswith((HERE, HUB))
        if not ready and not self.pretrained:
            raise InputError(
                f"eval.clip.pretrained: null, and '{self.model}' has no weights; give a tag or a file"
            )
        try:
            options = tokenizer_options(open_clip.get_model_config(self.model), "eval.clip.model", self.model)
            if self.model.startswith(HERE):
                refuse_code(Path(self.model.removeprefix(HERE)), "eval.clip.model")
            is_here = self.model.startswith(HERE) or Path(self.pretrained or "").is_file()
            with no_code_is_offered(), hub_or_cache(not is_here):
                model, _, preprocess = open_clip.create_model_and_transforms(
                    self.model, None if ready else self.pretrained, require_pretrained=True
                )
                return model, preprocess, open_clip.get_tokenizer(self.model, **options)
        except FAULTS as error:
            raise InputError(
                f"eval.clip: cannot load '{self.model}' with '{self.pretrained}' ({in_a_line(error)}); "
                "fetch it once where there is a network, give a file, or eval.clip=null"
            ) from error


@torch.inference_mode()
def _images(model: Any, preprocess: Any, images: Tensor, device: torch.device) -> Tensor:
    """(n, D) unit vectors."""
    parts = (torch.stack([preprocess(to_pil_image(one)) for one in part]) for part in images.split(IMAGES))
    return torch.cat([model.encode_image(part.to(device), normalize=True).float().cpu() for part in parts])


@torch.inference_mode()
def _texts(model: Any, tokenizer: Any, words: Sequence[str], device: torch.device) -> Tensor:
    """(k, D) unit vectors."""
    parts = tokenizer(list(words)).split(IMAGES)
    return torch.cat([model.encode_text(part.to(device), normalize=True).float().cpu() for part in parts])
