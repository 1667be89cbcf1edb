"""Where in an image a CLIP sees its class."""

import torch
from torch import Tensor

from unlearn_cli.models.clip.zero_shot import ZeroShotClip


def relevance(model: ZeroShotClip, x: Tensor, labels: Tensor) -> Tensor:
    """(B, g, g): cosine of each patch's projected token and the text of the image's true class."""
    patches, texts = model.patch_features(x), model.adapter.texts(model, model.image_features(x))
    own = texts[labels][:, None] if texts.ndim == 2 else texts[torch.arange(len(x)), labels][:, None]
    side = round(patches.shape[1] ** 0.5)
    return (patches * own).sum(-1).view(len(x), side, side)
