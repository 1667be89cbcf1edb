"""The small ResNets for CIFAR (He et al. 2016, section 4.2): three stages of 16, 32 and 64 channels."""

from pydantic import Field, field_validator
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, conv1x1

from unlearn_cli.data.image_spec import ImageSpec
from unlearn_cli.models.base import ModelSettings
from unlearn_cli.models.classifiers.normalise import Normalised


class CifarResNetSettings(ModelSettings):
    depth: int = Field(ge=8, description="weight layers, 6n + 2: 8, 14, 20, 32, 44, 56, 110")
    width: int = Field(gt=0, description="channels of the first stage; doubled in the second and third")

    @field_validator("depth")
    @classmethod
    def _six_n_plus_two(cls, depth: int) -> int:
        if (depth - 2) % 6:
            raise ValueError("the depth is 6n + 2: 8, 14, 20, 32, 44, 56, 110")
        return depth

    def build(self, images: ImageSpec) -> Normalised:
        net = CifarResNet(self.depth, self.width, images.channels, len(images.classes))
        return Normalised(net, images.mean, images.std)


class CifarResNet(nn.Module):
    """Images (B, channels, H, W) of any size -> logits (B, classes); two of its stages halve the size.

    A shortcut that changes shape is a 1x1 convolution with batch norm (the paper's option B; its CIFAR models
    pad with zeros, option A, and have 1% fewer parameters).
    """

    def __init__(self, depth: int, width: int, channels: int, classes: int):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(width)
        self.relu = nn.ReLU(inplace=True)
        blocks = (depth - 2) // 6
        self.layer1 = _stage(width, width, blocks, stride=1)
        self.layer2 = _stage(width, 2 * width, blocks, stride=2)
        self.layer3 = _stage(2 * width, 4 * width, blocks, stride=2)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(4 * width, classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        x = self.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(self.avgpool(x).flatten(1))


def _stage(inputs: int, outputs: int, blocks: int, stride: int) -> nn.Sequential:
    shortcut = None
    if inputs != outputs:
        shortcut = nn.Sequential(conv1x1(inputs, outputs, stride), nn.BatchNorm2d(outputs))
    first = BasicBlock(inputs, outputs, stride, shortcut)
    return nn.Sequential(first, *(BasicBlock(outputs, outputs) for _ in range(blocks - 1)))
