"""MaPLe: prompts of the text tower, and prompts of the vision tower made from them."""

from contextlib import AbstractContextManager

from pydantic import Field
from torch import Tensor, nn

from unlearn_cli.data.images import ImageData
from unlearn_cli.data.splits import Sets
from unlearn_cli.methods.clip.adapter_tuning import AdapterTask
from unlearn_cli.methods.clip.coop import CoOp
from unlearn_cli.models.clip.prompts import TextPrompts, among_patches, check_depth
from unlearn_cli.models.clip.zero_shot import Adapter, ZeroShotClip


class MaPLe(CoOp):
    """Deep prompts in both towers, coupled: P_l of the images = F_l(P_l of the texts), F_l linear.

    Both are learnt (Khattak et al., CVPR 2023).
    """

    depth: int = Field(gt=0, description="blocks with prompts of their own, from the first, in both towers")

    def check(self, task: AdapterTask, model: ZeroShotClip, data: ImageData, sets: Sets) -> None:
        super().check(task, model, data, sets)
        for tower in ("text", "visual"):
            check_depth(model, "method.depth", self.depth, tower)

    def adapter(self, model: ZeroShotClip) -> Adapter:
        text = TextPrompts(model, self.context, self.depth, self.words)
        return Coupled(text, model.visual.transformer.width)


class Coupled(Adapter):
    """`coupling[l]` makes block l's prompts of images, as wide as their tower, from those of texts."""

    def __init__(self, text: TextPrompts, width: int):
        super().__init__()
        depth, _, narrow = text.contexts.shape
        self.text = text
        self.coupling = nn.ModuleList(nn.Linear(narrow, width) for _ in range(depth))

    def on_images(self, visual: nn.Module) -> AbstractContextManager[object]:
        depth, number, _ = self.text.contexts.shape
        return among_patches(visual, number, depth, self.at)

    def at(self, block: int, patches: Tensor) -> Tensor:
        """(n, W) of the vision tower; the same for all images."""
        return self.coupling[block](self.text.contexts[block])

    def texts(self, model: ZeroShotClip, images: Tensor) -> Tensor:
        return self.text.encode(model)
