"""A classifier that learns digits by heart in a fifth of a second."""

from pydantic import Field
from torch import nn

from unlearn_cli.data.images import ImageSpec
from unlearn_cli.models.base import ModelSettings
from unlearn_cli.models.classifiers.normalise import Normalised


class Mlp(ModelSettings):
    """A perceptron of one hidden layer."""

    hidden: int = Field(gt=0, description="width of the hidden layer")

    def build(self, images: ImageSpec) -> nn.Module:
        height, width = images.size
        net = nn.Sequential(
            nn.Flatten(),
            nn.Linear(images.channels * height * width, self.hidden),
            nn.ReLU(),
            nn.Linear(self.hidden, len(images.classes)),
        )
        return Normalised(net, images.mean, images.std)
