"""What the settings of small UNets have in common: their levels and the noising that they undo."""

from typing import Annotated

from pydantic import Field

from unlearn_cli.errors import InputError
from unlearn_cli.models.base import AnyModel
from unlearn_cli.models.diffusion.noising import BetaSchedule, Prediction


class UNetShape(AnyModel):
    """The levels of a UNet and its noising process."""

    channels: list[Annotated[int, Field(gt=0)]] = Field(
        min_length=1, description="channels of each level; the size halves between levels"
    )
    attention: list[bool] = Field(
        description="for each level, whether it has attention (to a prompt, too, where there is one)"
    )
    layers: int = Field(gt=0, description="residual blocks per level")
    head_dim: int = Field(gt=0, description="channels of an attention head")
    groups: int = Field(gt=0, description="groups of each group norm; divides every number of channels")
    label_drop: float = Field(
        ge=0, lt=1, description="share of conditions replaced by the null one in training"
    )
    timesteps: int = Field(gt=0, description="steps of the noising process")
    beta_schedule: BetaSchedule = Field(
        description="how β_t grows: linear (DDPM), scaled_linear (Stable Diffusion), squaredcos_cap_v2 "
        "(cosine)"
    )
    prediction: Prediction = Field(
        description="what the network predicts: the noise ε, the velocity v or the clean sample"
    )

    def check_levels(self, size: tuple[int, int], halvings: int) -> None:
        """InputError: images that cannot be halved so often, or levels that do not fit each other."""
        if any(side % 2**halvings for side in size):
            raise InputError(
                f"data.size: {size[0]} x {size[1]} pixels cannot be halved {halvings} times; "
                f"give a multiple of {2**halvings}, or fewer model.channels"
            )
        if len(self.attention) != len(self.channels):
            raise InputError(
                f"model.attention: {len(self.attention)} values, but {len(self.channels)} levels; "
                "give one each"
            )
        # the middle, as wide as the last level, always has attention
        attending = [c for c, a in zip(self.channels, self.attention, strict=True) if a]
        for key, divisor, widths in (
            ("groups", self.groups, self.channels),
            ("head_dim", self.head_dim, [self.channels[-1], *attending]),
        ):
            if wrong := [width for width in widths if width % divisor]:
                raise InputError(
                    f"model.{key}: {divisor} does not divide {wrong[0]} of model.channels; give a divisor"
                )
