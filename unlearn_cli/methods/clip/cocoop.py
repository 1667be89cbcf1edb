"""CoCoOp: the learnt words before a class' name depend on the image."""

import torch
from torch import Tensor, nn

from unlearn_cli.methods.clip.coop import CoOp
from unlearn_cli.models.clip.prompts import TextPrompts, encoded
from unlearn_cli.models.clip.zero_shot import Adapter, ZeroShotClip

NARROWING = 16  # of the meta-network's hidden layer
TEXTS = 4096  # at once, of images times classes, where they share no gradient


class CoCoOp(CoOp):
    """v_m(x) = v_m + h(f(x)), h a network of two layers, learnt with v (Zhou et al., CVPR 2022).

    The text tower is run for every class of every image, hence small batches.
    """

    def adapter(self, model: ZeroShotClip) -> Adapter:
        return Conditional(TextPrompts(model, self.context, words=self.words), model.visual.output_dim)


class Conditional(Adapter):
    """A context of depth 1, shifted by h(f): E -> E/16, ReLU, -> the text tower's width."""

    def __init__(self, text: TextPrompts, dim: int):
        super().__init__()
        hidden, width = max(1, dim // NARROWING), text.contexts.shape[-1]
        self.text = text
        self.meta = nn.Sequential(nn.Linear(dim, hidden), nn.ReLU(), nn.Linear(hidden, width))

    def texts(self, model: ZeroShotClip, images: Tensor) -> Tensor:
        """(B, C, E), normalised, of images (B, E)."""
        shifted = self.text.contexts[0] + self.meta(images)[:, None]  # (B, n, W)
        at_once = max(1, TEXTS // len(model.classes))
        return torch.cat([self.encode(model, part) for part in shifted.split(at_once)])

    def encode(self, model: ZeroShotClip, contexts: Tensor) -> Tensor:
        """(B, C, E) by the images' contexts (B, n, W)."""
        names, classes = self.text.names, len(self.text.names)
        found = encoded(model, [contexts.repeat_interleave(classes, 0)], names.repeat(len(contexts), 1))
        return found.view(len(contexts), classes, -1)
