"""A CLIP small enough to be trained from nothing on a CPU, of open_clip's own classes."""

from __future__ import annotations

from typing import Any, ClassVar

import open_clip
from pydantic import Field

from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.errors import InputError
from unlearn_cli.models.base import AnyModel
from unlearn_cli.models.clip.tokenizer import own_tokenizer
from unlearn_cli.models.clip.zero_shot import ZeroShotClip, check_template
from unlearn_cli.models.patches import check_patches

VOCABULARY = 49408  # open_clip's own tokenizer, which comes with the package


class TinyClip(AnyModel):
    """A vision transformer and a text transformer, trained together on the captions (task=clip)."""

    tasks: ClassVar[tuple[str, ...]] = ("clip",)
    takes_colour: ClassVar[bool] = True

    template: str = Field(description="text of a class in zero-shot classification, the class for {}")
    dim: int = Field(gt=0, description="dimensions of the space that images and texts share")
    patch_size: int = Field(gt=0, description="pixels of a patch's side; divides that of the images")
    width: int = Field(gt=0, description="width of the blocks of both towers")
    head_width: int = Field(gt=0, description="width of an attention head; divides `width`")
    layers: int = Field(gt=0, description="blocks of the vision tower")
    text_layers: int = Field(gt=0, description="blocks of the text tower")
    tokens: int = Field(gt=2, description="longest text in tokens, start and end included")

    def build(self, images: ImageSpec) -> ZeroShotClip:
        """As `ModelSettings.build`. InputError: patches or heads that do not fit."""
        check_template(self.template)
        check_patches(images.channels, images.size, self.patch_size, "CLIP")
        if self.width % self.head_width:
            raise InputError(
                f"model.head_width: {self.head_width} does not divide model.width={self.width}; "
                "give a divisor"
            )
        architecture = self.architecture(images.size[0])
        clip = open_clip.model.CLIP(**architecture)
        tokenizer = own_tokenizer(self.tokens)
        preprocessing = {"mean": images.mean, "std": images.std, "interpolation": "bilinear"}
        model = ZeroShotClip(clip, tokenizer, images.classes, self.template, preprocessing, architecture)
        model.tell_texts()
        return model

    def architecture(self, side: int) -> dict[str, Any]:
        """As in open_clip's configuration files."""
        return {
            "embed_dim": self.dim,
            "quick_gelu": True,
            "vision_cfg": {
                "image_size": side,
                "patch_size": self.patch_size,
                "width": self.width,
                "head_width": self.head_width,
                "layers": self.layers,
            },
            "text_cfg": {
                "context_length": self.tokens,
                "vocab_size": VOCABULARY,
                "width": self.width,
                "heads": self.width // self.head_width,
                "layers": self.text_layers,
            },
        }
