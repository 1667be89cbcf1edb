"""A plain convolutional network for tiny images, registered with timm: `model=timm model.name=small_cnn`."""

from typing import Any

from timm.models import register_model
from torch import Tensor, nn


class SmallCNN(nn.Module):
    """Two convolutions, max-pooling to 4 x 4, one hidden layer with dropout.

    No batch norm: it makes a classifier of 8 x 8 images much more sensitive to slight noise, and a judge of
    generated images has to look at those.
    """

    def __init__(self, num_classes: int = 10, in_chans: int = 1, width: int = 32, drop_rate: float = 0.3):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(in_chans, width, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(width, 2 * width, 3, padding=1),
            nn.ReLU(),
            nn.AdaptiveMaxPool2d(4),
            nn.Flatten(),
            nn.Dropout(drop_rate),
            nn.Linear(32 * width, 4 * width),
            nn.ReLU(),
        )
        self.head = nn.Linear(4 * width, num_classes)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.features(x))


@register_model
def small_cnn(pretrained: bool = False, **options: Any) -> SmallCNN:
    """timm's entry; there are no pretrained weights."""
    names = ("num_classes", "in_chans", "width", "drop_rate")
    return SmallCNN(**{name: options[name] for name in names if name in options})
