"""Class-conditional UNet of a diffusion model, on diffusers' `UNet2DModel`."""

from collections.abc import Sequence
from typing import Any, ClassVar

from diffusers import DDIMScheduler, UNet2DModel
from pydantic import Field
from torch import Tensor

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

    dropout: float = Field(ge=0, lt=1)

    def build(
        self,
        classes: Sequence[str],
        channels: int,
        size: tuple[int, int],
        mean: Sequence[float],
        std: Sequence[float],
    ) -> ClassConditional:
        """As `ModelSettings.build`. The task scales images to [-1, 1]: mean and std are not used.

        Raises:
            InputError: an image size that the levels cannot halve, or levels that do not fit each other.
        """
        self.check_levels(size, halvings=len(self.channels) - 1)
        unet = UNet2DModel(
            sample_size=size,
            in_channels=channels,
            out_channels=channels,
            layers_per_block=self.layers,
            block_out_channels=tuple(self.channels),
            down_block_types=tuple("AttnDownBlock2D" if a else "DownBlock2D" for a in self.attention),
            up_block_types=tuple("AttnUpBlock2D" if a else "UpBlock2D" for a in reversed(self.attention)),
            attention_head_dim=self.head_dim,
            norm_num_groups=self.groups,
            dropout=self.dropout,
            num_class_embeds=len(classes) + 1,
        )
        process = DDIMScheduler(
            num_train_timesteps=self.timesteps,
            beta_schedule=self.beta_schedule,
            prediction_type=self.prediction,
            timestep_spacing="trailing",
        )
        return ClassConditional(unet, process, len(classes), self.label_drop)
