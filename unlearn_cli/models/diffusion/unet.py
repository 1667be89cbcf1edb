"""Class-conditional UNet of a diffusion model, its shape told value by value."""

from functools import cached_property
from typing import Any, ClassVar

from diffusers import DDIMScheduler, UNet2DModel
from pydantic import Field

from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.data.images import ImageData
from unlearn_cli.errors import InputError
from unlearn_cli.models.base import TakesWeights
from unlearn_cli.models.diffusion.class_conditional import ClassConditional, knows_null
from unlearn_cli.models.diffusion.unet_shape import UNetShape
from unlearn_cli.models.own_weights import HINT, KEY, read
from unlearn_cli.models.recorded import facts_beside

CLASSES = "class_embedding.weight"
PROCESS = ("timesteps", "beta_schedule", "prediction")
"""Values that no tensor tells of."""


class UNetSettings(TakesWeights, UNetShape):
    """The UNet's shape and its noising process."""

    tasks: ClassVar[tuple[str, ...]] = ("generation",)

    dropout: float = Field(
        ge=0,
        lt=1,
        description="share of activations zeroed in training, against learning few images by heart",
    )

    def build(self, images: ImageSpec) -> ClassConditional:
        """As `ModelSettings.build`. The task scales images to [-1, 1]: mean and std are not used.

        Weights of one's own say whether there is a null class.

        Raises:
            InputError: an image size that the levels cannot halve, levels that do not fit each other, weights
                for other classes.
        """
        self.check_levels(images.size, halvings=len(self.channels) - 1)
        classes, known = len(images.classes), self._known_classes
        has_null = known is None or knows_null(known, classes, str(self.weights))
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
            num_class_embeds=classes + has_null,
        )
        process = DDIMScheduler(
            num_train_timesteps=self.timesteps,
            beta_schedule=self.beta_schedule,
            prediction_type=self.prediction,
            timestep_spacing="trailing",
        )
        return ClassConditional(unet, process, classes, self.label_drop, has_null)

    def as_taken(self, data: ImageData) -> ImageData:
        """As `TakesWeights.as_taken`. InputError: weights of a run that noised otherwise."""
        if self.own_weights:
            recorded = facts_beside(self.own_weights).get("model", {})
            for name in PROCESS:
                if recorded.get(name, own := getattr(self, name)) != own:
                    raise InputError(
                        f"model.{name}: {own}, and the run of {self.weights} was trained with "
                        f"{recorded[name]}; set model.{name}={recorded[name]}"
                    )
        return super().as_taken(data)

    def facts(self) -> dict[str, Any]:
        """As `TakesWeights.facts`, with the number of classes, null among them, that an oracle has, too."""
        known = self._known_classes
        return super().facts() | ({} if known is None else {"class_embeds": known})

    @cached_property
    def _known_classes(self) -> int | None:
        """How many classes the weights know, null among them; None: there are no weights."""
        if not self.own_weights:
            return None
        for name, tensor in read(self.own_weights).state.items():
            if name.endswith(CLASSES):
                return len(tensor)
        raise InputError(f"{KEY}: {self.weights} has no {CLASSES}, so it knows no classes; {HINT}")
