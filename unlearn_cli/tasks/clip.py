"""CLIP: images are recognised zero-shot, by the texts of their classes."""

from typing import Any, ClassVar, cast

import numpy as np
import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.data.batch import Batch
from unlearn_cli.data.captions import fill_captions
from unlearn_cli.data.images import ImageData
from unlearn_cli.models.clip.zero_shot import ZeroShotClip
from unlearn_cli.tasks.recognition import Recognition
from unlearn_cli.tasks.verbs.clip import ClipVerbs
from unlearn_cli.training.trainer import Objective


class Clip(Recognition):
    """The verbs of a `ZeroShotClip`. A loss on labels is the cross-entropy over the classes' texts."""

    name: ClassVar[str] = "clip"
    writes_delta: ClassVar[bool] = True  # a run keeps what was changed or added

    captions: tuple[str, ...] = Field(
        min_length=1, description="texts that a model learns from scratch, of the data's columns in braces"
    )

    def facts(self) -> dict[str, Any]:
        return {"name": self.name, "captions": list(self.captions)}

    def pretraining(self, data: ImageData, rows: np.ndarray) -> Objective:
        """How an original learns: which of all texts made by one caption, drawn at each step, is an image's?

        Cross-entropy over the texts of these rows (UniCL: Yang et al., CVPR 2022), so that two images with
        the same text are no negatives of each other.
        """
        worded = [fill_captions(caption, data.columns) for caption in self.captions]
        texts = [np.unique(made[rows]).tolist() for made in worded]
        numbers = [
            torch.from_numpy(np.searchsorted(known, made)).to(data.device)
            for known, made in zip(texts, worded, strict=True)
        ]

        def objective(model: nn.Module, batch: Batch) -> dict[str, Tensor]:
            clip = cast(ZeroShotClip, model)  # or a compiled one
            drawn = int(torch.randint(len(texts), ()))
            logits = clip.scaled(clip.image_features(batch.x), clip.text_features(texts[drawn]))
            texts_of_rows = numbers[drawn][batch.index]
            return {"train": F.cross_entropy(logits, texts_of_rows, label_smoothing=batch.smoothing)}

        return objective

    def embedded(self, model: nn.Module, batch: Batch) -> tuple[Tensor, Tensor]:
        """Normalised embeddings of images (B, E) and of the classes' texts (C, E), an adapter's included."""
        clip = cast(ZeroShotClip, model)  # or a compiled one
        images = clip.image_features(batch.x)
        return images, clip.adapter.texts(clip, images)


_: type[ClipVerbs] = Clip  # what it claims, mypy verifies
