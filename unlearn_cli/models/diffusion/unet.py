"""Class-conditional UNet of a diffusion model, on diffusers' `UNet2DModel`."""

from typing import Any, ClassVar

from diffusers import DDIMScheduler, UNet2DModel
from pydantic import Field
from torch import Tensor

from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.models.diffusion.denoiser import Denoiser
from unlearn_cli.models.diffusion.unet_shape import UNetShape


class ClassConditional(Denoiser):
    """The condition is a class; one more than the data have is `null`. States are images in [-1, 1]."""

    def __init__(self, unet: Any, process: Any, classes: int, label_drop: float):
        super().__init__(process, null=classes, label_drop=label_drop)
        self.unet = unet

    def predict(self, x: Tensor, t: Tensor, conditioning: Tensor) -> Tensor:
        return self.unet(x, t, class_labels=conditioning).sample


class UNetSettings(UNetShape):
    """The UNet's shape and its noising process."""

    tasks: ClassVar[tuple[str, ...]] = ("generation",)

    dropout: float = Field(
        ge=0,
        lt=1,
        description="share of activations zeroed in training, against learning few images by heart",
    )

    def build(self, images: ImageSpec) -> ClassConditional:
        """As `ModelSettings.build`. The task scales images to [-1, 1]: mean and std are not used.

        Raises:
            InputError: an image size that the levels cannot halve, or levels that do not fit each other.
        """
        self.check_levels(images.size, halvings=len(self.channels) - 1)
        unet = UNet2DModel(
            sample_size=images.size,
            in_channels=images.channels,
            out_channels=images.channels,
            layers_per_block=self.layers,
            block_out_channels=tuple(self.channels),
            down_block_types=tuple("AttnDownBlock2D" if a else "DownBlock2D" for a in self.attention),
            up_block_types=tuple("AttnUpBlock2D" if a else "UpBlock2D" for a in reversed(self.attention)),
            attention_head_dim=self.head_dim,
            norm_num_groups=self.groups,
            dropout=self.dropout,
            num_class_embeds=len(images.classes) + 1,
        )
        process = DDIMScheduler(
            num_train_timesteps=self.timesteps,
            beta_schedule=self.beta_schedule,
            prediction_type=self.prediction,
            timestep_spacing="trailing",
        )
        return ClassConditional(unet, process, len(images.classes), self.label_drop)
